import type { Sql } from './sql.ts'

/** The clocks, and what queues need before jobs come. */
export function prepareSql({ s }: Sql): string {
  return `
  CREATE FUNCTION ${s}.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

  -- For leases. The server has no clock that nobody can set.
  CREATE FUNCTION ${s}.lease_now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT ${s}.now_ms() $$;

  -- Makes what is missing of a queue and its lines. In a transaction of its own: others may need them soon.
  CREATE FUNCTION ${s}.prepare(queue_name text, types text[], ranks smallint[]) RETURNS void
  LANGUAGE plpgsql AS $$
  DECLARE
    q int;
  BEGIN
    INSERT INTO ${s}.queue (name) SELECT queue_name
      WHERE NOT EXISTS (SELECT FROM ${s}.queue WHERE name = queue_name) ON CONFLICT DO NOTHING;
    SELECT queue_id INTO STRICT q FROM ${s}.queue WHERE name = queue_name;
    INSERT INTO ${s}.line (queue_id, type, rank)
      SELECT q, u.type, u.rank FROM unnest(types, ranks) u (type, rank)
      WHERE NOT EXISTS (SELECT FROM ${s}.line l WHERE l.queue_id = q AND l.type = u.type AND l.rank = u.rank)
      ORDER BY u.type, u.rank ON CONFLICT DO NOTHING;
    INSERT INTO ${s}.job_type (queue_id, type)
      SELECT q, u.type FROM (SELECT DISTINCT type FROM unnest(types) t (type)) u
      WHERE NOT EXISTS (SELECT FROM ${s}.job_type t WHERE t.queue_id = q AND t.type = u.type)
      ORDER BY u.type ON CONFLICT DO NOTHING;
  END $$;
  `
}
