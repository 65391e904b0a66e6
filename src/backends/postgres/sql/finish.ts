import { NO_PAYLOAD } from '../../../queue/transition.ts'
import { HOLDS } from './holds.ts'
import type { Sql } from './sql.ts'

/** Ends jobs that are done. */
export function finishSql({ s, planned }: Sql): string {
  return `
  CREATE FUNCTION ${s}.holds_any(c ${s}.grant_) RETURNS boolean LANGUAGE plpgsql STABLE ${planned} AS $$
  BEGIN
    -- A limit keeps it one look into the index a job. As a join it is planned for few, and stays so when there are many.
    RETURN EXISTS (SELECT FROM unnest(c.seqs, c.ids) u (seq, id) CROSS JOIN LATERAL (
      SELECT FROM ${s}.job j WHERE j.queue_id = c.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS} LIMIT 1) held);
  END $$;

  -- Ends jobs that are done, and answers with the places in the arrays of those that it could: claimed by their tokens.
  -- What is not to be kept is removed. \`keeps\`: for how many ms, 0: not at all unless the id is to be remembered, -1: for
  -- ever. It is null when all are 0. A caller's transaction (not ours) leaves the grant alone.
  CREATE FUNCTION ${s}.finish(tokens text[], queues text[], which int[], seqs bigint[], ids text[], keeps bigint[],
    results text[], forms smallint[], ours boolean)
  RETURNS int[] LANGUAGE plpgsql ${planned} SET enable_bitmapscan = off AS $$
  DECLARE
    now bigint := ${s}.now_ms();
    granted bigint[] := '{}';
    counts int[] := '{}';
    finished int[] := '{}';
    gone int;
    r record;
  BEGIN
    IF keeps IS NULL AND cardinality(tokens) = 1 THEN
      IF cardinality(seqs) = 1 THEN
        -- One job, as a rule the only one of its grant: in one statement.
        WITH removed AS (
          DELETE FROM ${s}.job j USING ${s}.queue q JOIN ${s}.grant_ c ON c.queue_id = q.queue_id
            WHERE q.name = queues[1] AND c.token = tokens[1] AND finish.seqs[1] = ANY (c.seqs)
              AND j.queue_id = q.queue_id AND j.id = finish.ids[1] AND j.seq = finish.seqs[1] AND ${HOLDS}
              AND j.dedupe_ms IS NULL
            RETURNING c.grant_id, c.queue_id
        ), counted AS (
          INSERT INTO ${s}.tally (queue_id, open) SELECT queue_id, -1 FROM removed
        ), released AS (
          DELETE FROM ${s}.grant_ g USING removed WHERE ours AND g.grant_id = removed.grant_id AND g.remaining <= 1 RETURNING 1
        )
        SELECT grant_id, EXISTS (SELECT FROM released) AS is_released INTO r FROM removed;
        IF FOUND THEN
          finished := '{1}';
          IF NOT r.is_released THEN
            granted := ARRAY[r.grant_id];
            counts := '{1}';
          END IF;
        END IF;
      ELSE
        -- For one grant, as a rule the only one: without joins. Of a token that was asked for again when it held nothing
        -- any more, the last.
        DECLARE
          c record;
        BEGIN
          SELECT g.grant_id, g.queue_id, g.seqs INTO c FROM ${s}.queue q
            JOIN ${s}.grant_ g ON g.token = tokens[1] AND g.queue_id = q.queue_id WHERE q.name = queues[1]
            ORDER BY g.grant_id DESC LIMIT 1;
          WITH removed AS (
            -- Told as a set with one condition, of which one row is expected, it is planned as one look into the index a job,
            -- however few there are as yet.
            DELETE FROM ${s}.job j USING (
              SELECT c.queue_id, u.* FROM unnest(which, seqs, ids) WITH ORDINALITY u (k, seq, id, n)
              WHERE u.k = 1 AND (u.seq IN (SELECT unnest(c.seqs))) IS TRUE OFFSET 0) u
            WHERE j.queue_id = u.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS} AND j.dedupe_ms IS NULL
            RETURNING u.n
          )
          SELECT coalesce(array_agg(n::int), '{}') INTO finished FROM removed;
          IF finished <> '{}' THEN
            gone := cardinality(finished);
            INSERT INTO ${s}.tally (queue_id, open) VALUES (c.queue_id, -gone);
            granted := ARRAY[c.grant_id];
            counts := ARRAY[gone];
            IF ours THEN
              DELETE FROM ${s}.grant_ g WHERE g.grant_id = c.grant_id AND g.remaining <= gone;
              IF FOUND THEN granted := '{}'; END IF;
            END IF;
          END IF;
        END;
      END IF;
    ELSIF keeps IS NULL THEN
      WITH told AS MATERIALIZED (
        SELECT x.k::int AS k, g.grant_id, g.queue_id, g.seqs FROM unnest(tokens, queues) WITH ORDINALITY x (token, queue_name, k)
        JOIN ${s}.queue q ON q.name = x.queue_name
        JOIN ${s}.grant_ g ON g.token = x.token AND g.queue_id = q.queue_id
      ), removed AS (
        DELETE FROM ${s}.job j
        USING unnest(which, seqs, ids) WITH ORDINALITY u (k, seq, id, n), told c
        WHERE c.k = u.k AND j.queue_id = c.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS} AND j.dedupe_ms IS NULL
          -- A set that is looked into: not a join, which would be planned for few.
          AND ((u.k, u.seq) IN (SELECT told.k, unnest(told.seqs) FROM told)) IS TRUE
        RETURNING u.n, c.queue_id, c.grant_id
      ), counted AS (
        INSERT INTO ${s}.tally (queue_id, open) SELECT queue_id, -count(*)::int FROM removed GROUP BY queue_id
      )
      SELECT (SELECT array_agg(n::int) FROM removed) AS done, array_agg(grant_id) AS grants, array_agg(count) AS counts INTO r
        FROM (SELECT grant_id, count(*)::int AS count FROM removed GROUP BY grant_id) g;
      IF r.done IS NOT NULL THEN
        finished := r.done;
        granted := r.grants;
        counts := r.counts;
      END IF;
    END IF;
    IF cardinality(finished) < cardinality(seqs) THEN
      WITH told AS MATERIALIZED (
        SELECT x.k::int AS k, g.grant_id, g.queue_id, g.seqs FROM unnest(tokens, queues) WITH ORDINALITY x (token, queue_name, k)
        JOIN ${s}.queue q ON q.name = x.queue_name
        JOIN ${s}.grant_ g ON g.token = x.token AND g.queue_id = q.queue_id
      ), kept AS (
        UPDATE ${s}.job j SET place = 4, run_at = NULL, finished_at = now,
          keep_until = CASE WHEN u.keep >= 0 THEN now + greatest(u.keep, j.dedupe_ms) END,
          note = nullif((j.note::jsonb - 'error')::text, '{}'), result = u.result, result_form = u.form,
          -- Kept for its id alone: the payload has done its duty.
          payload = CASE WHEN u.keep = 0 THEN '' ELSE j.payload END,
          form = CASE WHEN u.keep = 0 THEN NULL ELSE j.form END, bytes = CASE WHEN u.keep = 0 THEN NULL ELSE j.bytes END,
          more = CASE WHEN u.keep = 0 THEN (coalesce(j.more::jsonb, '{}') || '{"codec":"${NO_PAYLOAD}"}')::text ELSE j.more END
        FROM (SELECT x.k, x.seq, x.id, coalesce(x.keep, 0) AS keep, x.result, x.form, x.n
            FROM unnest(which, seqs, ids, keeps, results, forms) WITH ORDINALITY x (k, seq, id, keep, result, form, n)) u, told c
        WHERE c.k = u.k AND j.queue_id = c.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS}
          AND (u.keep <> 0 OR j.dedupe_ms IS NOT NULL)
          AND ((u.k, u.seq) IN (SELECT told.k, unnest(told.seqs) FROM told)) IS TRUE
        RETURNING u.n, c.queue_id, c.grant_id
      ), counted AS (
        INSERT INTO ${s}.tally (queue_id, open, done) SELECT queue_id, -count(*)::int, count(*)::int FROM kept GROUP BY queue_id
      )
      SELECT (SELECT array_agg(n::int) FROM kept) AS done, array_agg(grant_id) AS grants, array_agg(count) AS counts INTO r
        FROM (SELECT grant_id, count(*)::int AS count FROM kept GROUP BY grant_id) g;
      finished := finished || r.done;
      granted := granted || r.grants;
      counts := counts || r.counts;
    END IF;
    IF ours AND granted <> '{}' THEN
      -- In one order: outcomes that overtake others meet at the same grants.
      IF cardinality(granted) > 1 THEN
        PERFORM FROM ${s}.grant_ g WHERE g.grant_id = ANY (granted) ORDER BY g.grant_id FOR UPDATE;
      END IF;
      DELETE FROM ${s}.grant_ g USING unnest(granted, counts) c (grant_id, count)
        WHERE g.grant_id = c.grant_id AND g.remaining <= c.count;
      GET DIAGNOSTICS gone = ROW_COUNT;
      IF gone < cardinality(granted) THEN
        UPDATE ${s}.grant_ g SET remaining = g.remaining - c.count
          FROM (SELECT u.grant_id, sum(u.count)::int AS count FROM unnest(granted, counts) u (grant_id, count) GROUP BY u.grant_id) c
          WHERE g.grant_id = c.grant_id;
        -- Jobs that were not done have left it uncounted.
        DELETE FROM ${s}.grant_ g WHERE g.grant_id = ANY (granted)
          AND (g.remaining <= 0 OR g.last_seq = ANY (finish.seqs) AND NOT ${s}.holds_any(g));
      END IF;
    END IF;
    RETURN finished;
  END $$;
  `
}
