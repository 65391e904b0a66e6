import type { Sql } from './sql.ts'

/** Puts jobs into a queue. */
export function enqueueSql({ s, space, planned }: Sql): string {
  return `
  CREATE TYPE ${s}.added AS (seqs bigint[], added boolean[], delayed int);

  -- Puts jobs into a queue. Without \`seqs\`: prepare it first. Null: there is no room for all. \`hopeful\`: all ids are new, as
  -- far as the caller knows: to look for each before it is put costs a third of the time.
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
  BEGIN
    SELECT queue_id INTO q FROM ${s}.queue WHERE name = queue_name;
    SELECT array_agg(l.line_id ORDER BY u.n) INTO line_ids
      FROM unnest(types, ranks) WITH ORDINALITY u (type, rank, n)
      JOIN ${s}.line l ON l.queue_id = q AND l.type = u.type AND l.rank = u.rank;
    IF cardinality(line_ids) IS DISTINCT FROM cardinality(types) THEN
      result.delayed := 0;
      RETURN result;
    END IF;
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
    IF hopeful THEN
      BEGIN
        ${put(s, '')}
      EXCEPTION WHEN unique_violation THEN
        hopeful := false;
      END;
    END IF;
    IF NOT hopeful THEN
      ${put(s, 'ON CONFLICT (queue_id, id) DO NOTHING')}
    END IF;
    IF result.seqs IS NOT NULL THEN
      INSERT INTO ${s}.tally (queue_id, open, delayed)
        VALUES (q, cardinality(result.seqs) - result.delayed, result.delayed);
    END IF;
    IF cardinality(result.seqs) IS DISTINCT FROM count THEN
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
    END IF;
    RETURN result;
  END $$;
  `
}

const put = (s: string, conflict: string): string => `
      WITH put AS (
        INSERT INTO ${s}.job (seq, created_at, queue_id, line_id, place, form, id, payload, bytes, more, dedupe_ms, run_at,
          expires_at, unique_until)
        SELECT nextval('${s}.job_seq'), now, q, line_ids[u.line],
          CASE WHEN u.run_at > 0 AND u.run_at > now OR u.run_at < 0 THEN 3 ELSE 0 END,
          u.form, u.id, u.payload, u.bytes, u.more, u.dedupe_ms,
          CASE WHEN u.run_at < 0 THEN now - u.run_at WHEN u.run_at > now THEN u.run_at END,
          now + u.expire_ms, now + u.unique_ms
        FROM unnest(which, ids, payloads, forms, sizes, mores, dedupes, run_ats, expires, uniques)
          u (line, id, payload, form, bytes, more, dedupe_ms, run_at, expire_ms, unique_ms)
        ${conflict}
        RETURNING seq, place
      )
      SELECT array_agg(seq), count(*) FILTER (WHERE place = 3) INTO result.seqs, result.delayed FROM put;`
