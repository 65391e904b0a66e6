import type { Sql } from './sql.ts'

/**
 * How many numbers a job sequence gives at a time: to ask it for each took a tenth of the time of a bulk add. What
 * an add does not need of its last block is left out.
 */
export const BLOCK = 16

/** Puts jobs into a queue. */
export function enqueueSql({ s, space, planned }: Sql): string {
  return `
  -- Of jobs that were all added, the numbers are those from each of \`blocks\` on, \`${BLOCK}\` a block.
  CREATE TYPE ${s}.added AS (blocks bigint[], seqs bigint[], added boolean[], ready boolean);

  -- Puts jobs into a queue. Not \`ready\`: prepare it first. Null: there is no room for all. \`which\` is null where there is but
  -- one line. \`hopeful\`: all ids are new, as far as the caller knows: to look for each before it is put costs a third of the time.
  CREATE FUNCTION ${s}.enqueue(queue_name text, types text[], ranks smallint[], which int[], ids text[], payloads text[],
    forms smallint[], sizes int[], mores text[], dedupes bigint[], run_ats bigint[], expires bigint[],
    uniques bigint[], max_length bigint, hopeful boolean) RETURNS ${s}.added
  LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    q int;
    line_ids int[];
    low bigint;
    length bigint;
    now bigint := ${s}.now_ms();
    result ${s}.added;
    count int := cardinality(ids);
    put_count int;
    delayed_count int := 0;
    plain boolean := num_nonnulls(forms, sizes, mores, dedupes, run_ats, expires, uniques) = 0;
  BEGIN
    SELECT queue_id INTO q FROM ${s}.queue WHERE name = queue_name;
    SELECT array_agg(l.line_id ORDER BY u.n) INTO line_ids
      FROM unnest(types, ranks) WITH ORDINALITY u (type, rank, n)
      JOIN ${s}.line l ON l.queue_id = q AND l.type = u.type AND l.rank = u.rank;
    IF cardinality(line_ids) IS DISTINCT FROM cardinality(types) THEN
      result.ready := false;
      RETURN result;
    END IF;
    result.ready := true;
    IF max_length IS NOT NULL THEN
      SELECT open + delayed INTO length FROM ${s}.queue WHERE queue_id = q;
      SELECT length + coalesce(sum(t.open + t.delayed), 0) INTO length FROM ${s}.tally t WHERE t.queue_id = q;
      IF length + count > max_length THEN RETURN NULL; END IF;
    END IF;
    -- From here to its end, this transaction holds a mark: it may bring numbers above it.
    IF coalesce(current_setting('millhand.mark', true), '') = '' THEN
      SELECT last_value - 1 INTO low FROM ${s}.job_seq;
      PERFORM pg_advisory_xact_lock_shared((${space}::bigint << 48) | (low & 281474976710655));
      PERFORM set_config('millhand.mark', low::text, true);
    END IF;
    result.blocks := ARRAY(SELECT nextval('${s}.job_seq') FROM generate_series(1, (count + ${BLOCK - 1}) / ${BLOCK}));
    IF hopeful THEN
      BEGIN
        IF plain THEN
          ${plainly(s)};
        ELSE
          ${put(s)};
          SELECT count(*) INTO delayed_count FROM unnest(run_ats) r WHERE ${DELAYED('r')};
        END IF;
        put_count := count;
      EXCEPTION WHEN unique_violation THEN
        hopeful := false;
      END;
    END IF;
    IF NOT hopeful THEN
      WITH put AS (
        ${put(s)}
        ON CONFLICT (queue_id, id) DO NOTHING
        RETURNING seq, place
      )
      SELECT array_agg(seq), count(*), count(*) FILTER (WHERE place = 3) INTO result.seqs, put_count, delayed_count FROM put;
    END IF;
    IF put_count > 0 THEN
      INSERT INTO ${s}.tally (queue_id, open, delayed) VALUES (q, put_count - delayed_count, delayed_count);
    END IF;
    IF put_count = count THEN
      result.seqs := NULL;
      RETURN result;
    END IF;
    result.blocks := NULL;
    SELECT array_agg(f.seq ORDER BY f.n),
      array_agg(f.place_in_batch = 1 AND f.seq = ANY (coalesce(result.seqs, '{}')) ORDER BY f.n)
      INTO result.seqs, result.added
      FROM (
        SELECT u.n, j.seq, row_number() OVER (PARTITION BY u.id ORDER BY u.n) AS place_in_batch
        FROM unnest(ids) WITH ORDINALITY u (id, n)
        JOIN ${s}.job j ON j.queue_id = q AND j.id = u.id
      ) f;
    -- One that was known has gone meanwhile.
    IF cardinality(result.seqs) IS DISTINCT FROM count THEN
      RAISE EXCEPTION 'an id came free' USING ERRCODE = '40001';
    END IF;
    RETURN result;
  END $$;
  `
}

/** Whether a job waits for its time. */
const DELAYED = (runAt: string): string => `${runAt} < 0 OR ${runAt} > 0 AND ${runAt} > now`
/** The number of the job at place \`n\` of the batch. */
const SEQ = `result.blocks[((u.n - 1) / ${BLOCK})::int + 1] + (u.n - 1) % ${BLOCK}`

/**
 * The jobs of the batch, with their place `n`. Lists of SELECT are walked in step, without a copy of them as in FROM;
 * those that are null are null in each row.
 */
const batch = (lists: readonly (readonly [list: string, name: string])[]): string => `(
          SELECT generate_series(1, count) AS n, ${lists.map(([list, name]) => `unnest(${list}) AS ${name}`).join(', ')}) u`

const NAMED = [
  ['which', 'line'],
  ['ids', 'id'],
  ['payloads', 'payload'],
] as const

/** The jobs with nothing but a payload: to walk along arrays without a value takes its time. */
const plainly = (s: string): string => `
          INSERT INTO ${s}.job (seq, created_at, queue_id, line_id, place, id, payload)
          SELECT ${SEQ}, now, q, line_ids[coalesce(u.line, 1)], 0, u.id, u.payload
          FROM ${batch(NAMED)}`

const put = (s: string): string => `
        INSERT INTO ${s}.job (seq, created_at, queue_id, line_id, place, form, id, payload, bytes, more, dedupe_ms, run_at,
          expires_at, unique_until)
        SELECT ${SEQ}, now, q, line_ids[coalesce(u.line, 1)], CASE WHEN ${DELAYED('u.run_at')} THEN 3 ELSE 0 END,
          u.form, u.id, u.payload, u.bytes, u.more, u.dedupe_ms,
          CASE WHEN u.run_at < 0 THEN now - u.run_at WHEN u.run_at > now THEN u.run_at END,
          now + u.expire_ms, now + u.unique_ms
        FROM ${batch([
          ...NAMED,
          ['forms', 'form'],
          ['sizes', 'bytes'],
          ['mores', 'more'],
          ['dedupes', 'dedupe_ms'],
          ['run_ats', 'run_at'],
          ['expires', 'expire_ms'],
          ['uniques', 'unique_ms'],
        ])}`
