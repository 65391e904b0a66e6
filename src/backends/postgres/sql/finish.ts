import type { Sql } from './sql.ts'

/** Removes jobs that are done. */
export function finishSql({ s, planned }: Sql): string {
  return `
  -- Removes jobs that are done, and answers with the places in the arrays of those that it could: claimed by their
  -- tokens, and nothing to be kept of them. A caller's transaction (not ours) leaves the row of the claim alone.
  CREATE FUNCTION ${s}.finish(tokens text[], queues text[], which int[], seqs bigint[], ids text[], ours boolean)
  RETURNS int[] LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    granted bigint[];
    finished int[];
  BEGIN
    WITH told AS MATERIALIZED (
      SELECT x.k, g.grant_id, g.queue_id FROM unnest(tokens, queues) WITH ORDINALITY x (token, queue_name, k)
      JOIN ${s}.queue q ON q.name = x.queue_name
      JOIN ${s}.grant_ g ON g.token = x.token AND g.queue_id = q.queue_id
    ), gone AS (
      DELETE FROM ${s}.claim c
      USING unnest(which, seqs, ids) WITH ORDINALITY u (k, seq, id, n), told
      WHERE told.k = u.k AND c.seq = u.seq AND c.grant_id = told.grant_id AND c.id = u.id AND NOT c.keeps
      RETURNING u.n, c.seq, c.id, told.queue_id, c.grant_id
    ), removed AS (
      DELETE FROM ${s}.job j USING gone
      WHERE j.queue_id = gone.queue_id AND j.id = gone.id AND j.seq = gone.seq
      RETURNING gone.n, gone.queue_id, gone.grant_id
    ), counted AS (
      INSERT INTO ${s}.tally (queue_id, open) SELECT queue_id, -count(*)::int FROM removed GROUP BY queue_id
    )
    SELECT array_agg(n::int), array_agg(DISTINCT grant_id) INTO finished, granted FROM removed;
    IF ours AND granted IS NOT NULL THEN
      DELETE FROM ${s}.grant_ g WHERE g.grant_id = ANY (granted) AND g.last_seq = ANY (finish.seqs)
        AND NOT EXISTS (SELECT FROM unnest(g.seqs) u (seq) JOIN ${s}.claim c ON c.seq = u.seq AND c.grant_id = g.grant_id);
    END IF;
    RETURN coalesce(finished, '{}');
  END $$;
  `
}
