import type { Sql } from './sql.ts'

/** Who looks at all queues for everybody, and the look. */
export function lookSql({ s, planned }: Sql): string {
  return `
  CREATE TABLE ${s}.looker (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text COLLATE "C" NOT NULL DEFAULT '',
    until bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);
  INSERT INTO ${s}.looker DEFAULT VALUES;

  -- The queues in which there is something to do, and a notification without a name when the caller looks for all.
  CREATE FUNCTION ${s}.look(looker text, term_ms bigint, neglect_ms bigint, channel text, OUT looks boolean, OUT busy text[])
  LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    now bigint := ${s}.now_ms();
    lease_now bigint := ${s}.lease_now_ms();
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE ${s}.looker l SET name = looker, until = lease_now + term_ms WHERE l.name = looker OR l.until <= lease_now;
    looks := FOUND;
    SELECT array_agg(q.name) INTO busy FROM ${s}.queue q
    CROSS JOIN LATERAL (SELECT coalesce(sum(t.open), 0) AS open FROM ${s}.tally t WHERE t.queue_id = q.queue_id) t
    WHERE q.open + t.open > 0 AND (q.maintained IS NULL OR q.maintained < lease_now - neglect_ms
        OR EXISTS (SELECT FROM ${s}.line l CROSS JOIN LATERAL (
            (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 0 AND j.seq > l.head
              AND j.seq NOT IN (SELECT seq FROM ${s}.claim) LIMIT 1)
            UNION ALL (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 1 LIMIT 1)
            UNION ALL (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 2 LIMIT 1)) w
          WHERE l.queue_id = q.queue_id))
      OR EXISTS (SELECT FROM ${s}.job j WHERE j.queue_id = q.queue_id AND j.place = 3 AND j.run_at <= now)
      OR EXISTS (SELECT FROM ${s}.job j WHERE j.queue_id = q.queue_id AND j.expires_at <= now
          AND j.expires_at IS NOT NULL AND j.place IN (0, 1, 2, 3)
          AND NOT (j.place = 0 AND j.seq IN (SELECT seq FROM ${s}.claim)))
      OR EXISTS (SELECT FROM ${s}.job j WHERE j.queue_id = q.queue_id AND j.keep_until IS NOT NULL AND j.keep_until <= now);
    IF looks THEN PERFORM pg_notify(channel, looker); END IF;
  END $$;
  `
}
