import { HOLDS } from './holds.ts'
import type { Sql } from './sql.ts'

/** The upkeep of a queue. */
export function upkeepSql({ s, planned }: Sql): string {
  return `
  CREATE TYPE ${s}.report AS (gap boolean, reaped text[], promoted int, late text[], removed int,
    types text[], for_ms bigint[]);

  -- What comes after the leases: due and late jobs, those that were kept for long enough, types that nobody handles.
  CREATE FUNCTION ${s}.upkeep_rest(q int, gap boolean, lease_ms bigint, most int) RETURNS ${s}.report
  LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    now bigint := ${s}.now_ms();
    lease_now bigint := ${s}.lease_now_ms();
    r ${s}.report;
    left_ int := most;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    r.gap := gap;
    r.promoted := ${s}.promote(q, now, left_);
    left_ := left_ - r.promoted;

    SELECT array_agg(x.id), left_ - count(*) INTO r.late, left_ FROM (
      SELECT j.id FROM ${s}.job j WHERE j.queue_id = q AND j.expires_at <= now AND j.place IN (0, 1, 2, 3)
        AND NOT (j.place = 0 AND j.seq IN (SELECT seq FROM ${s}.claim)) ORDER BY j.expires_at LIMIT left_) x;

    WITH old AS (
      SELECT id FROM ${s}.job WHERE queue_id = q AND keep_until <= now ORDER BY keep_until LIMIT left_
      FOR UPDATE SKIP LOCKED
    ), removed AS (
      DELETE FROM ${s}.job j USING old WHERE j.queue_id = q AND j.id = old.id RETURNING place
    ), counted AS (
      SELECT count(*) FILTER (WHERE place = 4)::int AS done, count(*) FILTER (WHERE place = 5)::int AS dead,
        count(*) FILTER (WHERE place = 6)::int AS cancelled, count(*)::int AS all_ FROM removed
    ), put AS (
      INSERT INTO ${s}.tally (queue_id, done, dead, cancelled)
        SELECT q, -done, -dead, -cancelled FROM counted WHERE all_ > 0
    )
    SELECT all_ INTO r.removed FROM counted;

    WITH state AS (
      SELECT t.type, t.unhandled_since AS before, CASE
        WHEN t.handled IS NOT NULL AND lease_now - t.handled <= lease_ms THEN NULL
        WHEN NOT EXISTS (SELECT FROM ${s}.line l CROSS JOIN LATERAL (
            (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 0 AND j.seq > l.head AND (j.expires_at IS NULL OR j.expires_at > now)
              AND j.seq NOT IN (SELECT seq FROM ${s}.claim) LIMIT 1)
            UNION ALL (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 1 AND (j.expires_at IS NULL OR j.expires_at > now) LIMIT 1)
            UNION ALL (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 2 AND (j.expires_at IS NULL OR j.expires_at > now) LIMIT 1)) w
          WHERE l.queue_id = t.queue_id AND l.type = t.type) THEN NULL
        WHEN gap THEN lease_now ELSE coalesce(t.unhandled_since, lease_now) END AS since
      FROM ${s}.job_type t WHERE t.queue_id = q
    ), noted AS (
      UPDATE ${s}.job_type t SET unhandled_since = state.since FROM state
      WHERE t.queue_id = q AND t.type = state.type AND state.since IS DISTINCT FROM state.before
    )
    SELECT array_agg(type), array_agg(lease_now - since) INTO r.types, r.for_ms FROM state WHERE since IS NOT NULL;
    RETURN r;
  END $$;

  -- The upkeep of a round, and what is left to be decided job by job: leases that ran out (then the rest comes after
  -- that), jobs that were not started in time, types that nobody handles.
  CREATE FUNCTION ${s}.upkeep(queue_name text, handles text[], lease_ms bigint, most int) RETURNS ${s}.report
  LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    q ${s}.queue;
    lease_now bigint := ${s}.lease_now_ms();
    r ${s}.report;
    bound bigint;
    sums ${s}.tally;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO q FROM ${s}.queue WHERE name = queue_name FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      -- Its workers are there before its first job.
      INSERT INTO ${s}.queue (name) VALUES (queue_name) ON CONFLICT DO NOTHING;
      SELECT * INTO q FROM ${s}.queue WHERE name = queue_name FOR NO KEY UPDATE;
    END IF;
    r.gap := q.maintained IS NULL OR lease_now - q.maintained > lease_ms;
    IF r.gap THEN q.grace_until := lease_now + lease_ms; END IF;
    -- At a gap, what had run out when upkeep last ran has had its grace.
    bound := CASE WHEN r.gap THEN coalesce(q.maintained, -1) WHEN lease_now < q.grace_until THEN -1 ELSE lease_now END;

    WITH folded AS (DELETE FROM ${s}.tally t WHERE t.queue_id = q.queue_id RETURNING *)
    SELECT 0, coalesce(sum(open), 0), coalesce(sum(delayed), 0), coalesce(sum(done), 0), coalesce(sum(dead), 0),
      coalesce(sum(cancelled), 0) INTO sums FROM folded;
    UPDATE ${s}.queue u SET maintained = lease_now, grace_until = q.grace_until, open = u.open + sums.open,
      delayed = u.delayed + sums.delayed, done = u.done + sums.done, dead = u.dead + sums.dead,
      cancelled = u.cancelled + sums.cancelled WHERE u.queue_id = q.queue_id;
    INSERT INTO ${s}.job_type AS t (queue_id, type, handled)
      SELECT q.queue_id, u.type, lease_now FROM (SELECT DISTINCT type FROM unnest(handles) h (type)) u ORDER BY u.type
      ON CONFLICT (queue_id, type) DO UPDATE SET handled = lease_now, unhandled_since = NULL;

    SELECT array_agg(x.id) INTO r.reaped FROM (
      -- Each claim looks for its job, whatever the planner thinks of it: it may know no statistics of the tables yet.
      SELECT c.id FROM ${s}.claim c CROSS JOIN LATERAL (SELECT FROM ${s}.job j
        WHERE j.queue_id = c.queue_id AND j.id = c.id AND j.seq = c.seq AND ${HOLDS} FOR UPDATE SKIP LOCKED) j
      WHERE c.queue_id = q.queue_id AND c.lease_until <= bound LIMIT most) x;
    -- What a settlement has just locked is left to it.
    DELETE FROM ${s}.grant_ g USING (
        SELECT x.grant_id FROM ${s}.grant_ x WHERE x.queue_id = q.queue_id AND x.lease_until < lease_now
        FOR UPDATE SKIP LOCKED) over
      WHERE g.grant_id = over.grant_id AND NOT ${s}.holds_any(g);
    IF r.reaped IS NOT NULL THEN RETURN r; END IF;
    RETURN ${s}.upkeep_rest(q.queue_id, r.gap, lease_ms, most);
  END $$;
  `
}
