import { HOLDS } from './holds.ts'
import type { Sql } from './sql.ts'

/** Removes jobs that are done. */
export function finishSql({ s, planned }: Sql): string {
  return `
  CREATE FUNCTION ${s}.holds_any(c ${s}.grant_) RETURNS boolean LANGUAGE plpgsql STABLE ${planned} AS $$
  BEGIN
    RETURN EXISTS (SELECT FROM unnest(c.seqs, c.ids) u (seq, id)
      JOIN ${s}.job j ON j.queue_id = c.queue_id AND j.id = u.id AND j.seq = u.seq AND ${HOLDS});
  END $$;

  -- Removes jobs that are done, and answers with the places in the arrays of those that it could: claimed by their
  -- tokens, and nothing to be kept of them. A caller's transaction (not ours) leaves the grant alone.
  CREATE FUNCTION ${s}.finish(tokens text[], queues text[], which int[], seqs bigint[], ids text[], ours boolean)
  RETURNS int[] LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    granted bigint[];
    finished int[];
  BEGIN
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
    SELECT array_agg(n::int), array_agg(DISTINCT grant_id) INTO finished, granted FROM removed;
    IF ours AND granted IS NOT NULL THEN
      DELETE FROM ${s}.grant_ g WHERE g.grant_id = ANY (granted) AND g.last_seq = ANY (finish.seqs) AND NOT ${s}.holds_any(g);
    END IF;
    RETURN coalesce(finished, '{}');
  END $$;
  `
}
