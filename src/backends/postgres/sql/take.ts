import type { Sql } from './sql.ts'

/** Takes jobs. */
export function takeSql({ s, space, planned }: Sql): string {
  return `
  CREATE FUNCTION ${s}.promote(q int, now bigint, most int) RETURNS int LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    promoted int;
  BEGIN
    WITH due AS (
      SELECT id FROM ${s}.job WHERE queue_id = q AND place = 3 AND run_at <= now ORDER BY run_at, seq LIMIT most
      FOR UPDATE SKIP LOCKED
    )
    UPDATE ${s}.job j SET place = CASE WHEN j.crashes > 0 THEN 2 ELSE 1 END, run_at = NULL
      FROM due WHERE j.queue_id = q AND j.id = due.id AND j.place = 3;
    GET DIAGNOSTICS promoted = ROW_COUNT;
    IF promoted > 0 THEN
      INSERT INTO ${s}.tally (queue_id, open, delayed) VALUES (q, promoted, -promoted);
    END IF;
    RETURN promoted;
  END $$;

  CREATE TYPE ${s}.taken AS (
    seqs bigint[], line_ids int[], ids text[], payloads text[], forms smallint[], created bigint[], started boolean[],
    mores text[], notes text[], crashes int[], expires bigint[], line_no int[], line_type text[], line_rank smallint[],
    suspect boolean, due_ms bigint, paused boolean, control bigint, late text[]
  );

  -- Takes jobs, or gives again what the token holds.
  CREATE FUNCTION ${s}.take(queue_name text, types text[], asked text, wanted int, max_bytes bigint, starts int,
    lease_ms bigint, renew_ms bigint, suspects boolean) RETURNS ${s}.taken
  LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    q int;
    now bigint := ${s}.now_ms();
    lease_now bigint := ${s}.lease_now_ms();
    t ${s}.taken;
    r record;
    p record;
    places smallint[] := '{}';
    keeps boolean[] := '{}';
    room bigint := max_bytes;
    left_ int := CASE WHEN suspects THEN least(wanted, 1) ELSE wanted END;
    due bigint;
    given bigint;
    low bigint;
    first_free bigint;
  BEGIN
    -- A claim that a crash of the server takes back ends like one whose worker has died.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT queue_id, paused, control INTO q, t.paused, t.control FROM ${s}.queue WHERE name = queue_name;
    IF q IS NULL THEN RETURN t; END IF;
    SELECT array_agg(line_id), array_agg(type), array_agg(rank) INTO t.line_no, t.line_type, t.line_rank
      FROM ${s}.line WHERE queue_id = q AND type = ANY (types);

    PERFORM FROM ${s}.grant_ g WHERE g.token = asked AND g.queue_id = q;
    IF FOUND THEN
      SELECT array_agg(j.seq) AS seqs, array_agg(j.line_id) AS line_ids, array_agg(j.id) AS ids, array_agg(j.payload) AS payloads,
          array_agg(j.form) AS forms, array_agg(j.created_at) AS created, array_agg(j.started) AS started,
          array_agg(j.more) AS mores, array_agg(j.note) AS notes, array_agg(j.crashes) AS crashes,
          array_agg(j.expires_at) AS expires,
          array_agg(DISTINCT j.line_id) AS known INTO p
        FROM (
          SELECT j.*, c.started FROM ${s}.grant_ g CROSS JOIN unnest(g.seqs) u (seq)
          JOIN ${s}.claim c ON c.seq = u.seq AND c.grant_id = g.grant_id
          JOIN ${s}.job j ON j.queue_id = q AND j.id = c.id
          JOIN ${s}.line l ON l.line_id = j.line_id
          WHERE g.token = asked AND g.queue_id = q ORDER BY l.rank, j.seq
        ) j;
      IF p.seqs IS NOT NULL THEN
        t.seqs := p.seqs; t.line_ids := p.line_ids; t.ids := p.ids; t.payloads := p.payloads; t.forms := p.forms;
        t.created := p.created; t.started := p.started; t.mores := p.mores; t.notes := p.notes;
        t.crashes := p.crashes; t.expires := p.expires; left_ := 0;
        SELECT array_agg(line_id), array_agg(type), array_agg(rank) INTO t.line_no, t.line_type, t.line_rank
          FROM ${s}.line WHERE line_id = ANY (t.line_no || p.known);
      END IF;
    END IF;

    IF left_ > 0 AND NOT t.paused THEN
      -- One claim of a queue at a time. It is short, and nothing in it waits for a client or for the disk.
      PERFORM pg_advisory_xact_lock(${space}, q);
      SELECT run_at INTO due FROM ${s}.job WHERE queue_id = q AND place = 3 ORDER BY run_at LIMIT 1;
      IF due <= now THEN PERFORM ${s}.promote(q, now, greatest(wanted, 100)); END IF;

      FOR r IN SELECT rank, array_agg(line_id) AS line_ids, array_agg(head) AS heads FROM ${s}.line
        WHERE queue_id = q AND type = ANY (types) GROUP BY rank ORDER BY rank
      LOOP
        SELECT count(*) AS met, array_agg(id) FILTER (WHERE late) AS late, array_agg(seq) FILTER (WHERE fits) AS seqs,
            array_agg(line_id) FILTER (WHERE fits) AS line_ids, array_agg(id) FILTER (WHERE fits) AS ids,
            array_agg(payload) FILTER (WHERE fits) AS payloads, array_agg(form) FILTER (WHERE fits) AS forms,
            array_agg(created_at) FILTER (WHERE fits) AS created, array_agg(more) FILTER (WHERE fits) AS mores,
            array_agg(note) FILTER (WHERE fits) AS notes, array_agg(crashes) FILTER (WHERE fits) AS crashes,
            array_agg(expires_at) FILTER (WHERE fits) AS expires, array_agg(place) FILTER (WHERE fits) AS places,
            array_agg(dedupe_ms IS NOT NULL) FILTER (WHERE fits) AS keeps,
            sum(size) FILTER (WHERE fits) AS size, bool_and(fits OR late) AS all_fit,
            max(seq) FILTER (WHERE fits AND place = 0) AS last INTO p
          FROM (
            SELECT f.*, NOT f.late AND (f.total <= room OR t.seqs IS NULL AND f.n = 1) AS fits FROM (
              SELECT e.*, coalesce(sum(e.size) FILTER (WHERE NOT e.late) OVER w, 0) AS total,
                  count(*) FILTER (WHERE NOT e.late) OVER w AS n FROM (
                SELECT a.*, coalesce(a.bytes, octet_length(a.payload)) AS size,
                  coalesce(a.expires_at <= now, false) AS late
                FROM (
                  SELECT j.* FROM unnest(r.line_ids, r.heads) l (line_id, head) CROSS JOIN LATERAL (
                    SELECT * FROM ${s}.job j
                    WHERE j.line_id = l.line_id AND j.place = 0 AND j.seq > l.head AND NOT suspects
                      AND NOT EXISTS (SELECT FROM ${s}.claim c WHERE c.seq = j.seq)
                    ORDER BY j.seq LIMIT left_) j
                  UNION ALL
                  SELECT j.* FROM unnest(r.line_ids) l (line_id) CROSS JOIN LATERAL (
                    SELECT * FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 1 AND NOT suspects
                    ORDER BY j.seq LIMIT left_) j
                  UNION ALL
                  SELECT j.* FROM unnest(r.line_ids) l (line_id) CROSS JOIN LATERAL (
                    SELECT * FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 2 AND suspects
                    ORDER BY j.seq LIMIT left_) j
                ) a ORDER BY a.seq LIMIT left_
              ) e WINDOW w AS (ORDER BY e.seq ROWS UNBOUNDED PRECEDING)
            ) f
          ) g;
        -- What has expired is in the way until it is dead-lettered: the caller sees to it, and asks again for all.
        IF p.late IS NOT NULL THEN
          t.late := p.late; t.seqs := NULL;
          RETURN t;
        END IF;
        IF p.seqs IS NOT NULL THEN
          t.seqs := t.seqs || p.seqs; t.line_ids := t.line_ids || p.line_ids; t.ids := t.ids || p.ids;
          t.payloads := t.payloads || p.payloads; t.forms := t.forms || p.forms; t.created := t.created || p.created;
          t.mores := t.mores || p.mores; t.notes := t.notes || p.notes; t.crashes := t.crashes || p.crashes;
          t.expires := t.expires || p.expires; places := places || p.places; keeps := keeps || p.keeps;
          left_ := left_ - cardinality(p.seqs);
          room := room - p.size;
        END IF;
        EXIT WHEN left_ <= 0 OR NOT coalesce(p.all_fit, true);
      END LOOP;

      IF t.seqs IS NOT NULL THEN
        INSERT INTO ${s}.grant_ (queue_id, token, lease_until, renew_until, last_seq, seqs)
          VALUES (q, asked, lease_now + least(lease_ms, renew_ms), lease_now + renew_ms, t.seqs[cardinality(t.seqs)], t.seqs)
          RETURNING grant_id INTO given;
        INSERT INTO ${s}.claim (seq, grant_id, started, keeps, id)
          SELECT u.seq, given, u.n <= starts, u.keeps, u.id FROM unnest(t.seqs, keeps, t.ids) WITH ORDINALITY u (seq, keeps, id, n);
        SELECT array_agg(n <= starts) INTO t.started FROM generate_series(1, cardinality(t.seqs)) n;
        IF 1 = ANY (places) OR 2 = ANY (places) THEN
          UPDATE ${s}.job j SET place = 7 FROM unnest(t.ids, places) u (id, place)
            WHERE u.place IN (1, 2) AND j.queue_id = q AND j.id = u.id;
        END IF;
        -- Lines move on when scans become long. First the marks, then what is left: whoever holds no mark any more
        -- is seen. Dead rows before it are never met again, whatever keeps vacuum from them.
        FOR r IN SELECT l.line_id, l.head, u.last FROM ${s}.line l JOIN (
            SELECT u.line_id, max(u.seq) AS last FROM unnest(t.line_ids, t.seqs, places) u (line_id, seq, place)
            WHERE u.place = 0 GROUP BY u.line_id) u ON l.line_id = u.line_id
          WHERE u.last - l.head > 1000 AND random() < 0.25
        LOOP
          SELECT min(((m.classid::bigint & 65535) << 32) | m.objid::bigint) INTO low FROM pg_locks m
            WHERE m.locktype = 'advisory' AND m.objsubid = 1 AND m.classid::bigint >> 16 = ${space}
              AND m.database = (SELECT oid FROM pg_database WHERE datname = current_database());
          SELECT j.seq INTO first_free FROM ${s}.job j WHERE j.line_id = r.line_id AND j.place = 0 AND j.seq > r.head
            AND NOT EXISTS (SELECT FROM ${s}.claim c WHERE c.seq = j.seq) ORDER BY j.seq LIMIT 1;
          low := least(low, r.last, first_free - 1);
          IF low > r.head THEN UPDATE ${s}.line SET head = low WHERE line_id = r.line_id; END IF;
        END LOOP;
      END IF;
    END IF;

    SELECT EXISTS (SELECT FROM ${s}.job WHERE place = 2 AND line_id = ANY (t.line_no)
      AND line_id IN (SELECT line_id FROM ${s}.line WHERE queue_id = q AND type = ANY (types))) INTO t.suspect;
    SELECT greatest(0, run_at - now) INTO t.due_ms FROM ${s}.job WHERE queue_id = q AND place = 3 ORDER BY run_at LIMIT 1;
    RETURN t;
  END $$;

  -- One trip, two transactions: what was settled is on the disk and free before anything is claimed.
  CREATE PROCEDURE ${s}.exchange(tokens text[], queues text[], which int[], seqs bigint[], ids text[],
    queue_name text, types text[], asked text, wanted int, max_bytes bigint, starts int, lease_ms bigint,
    renew_ms bigint, suspects boolean, INOUT finished json, INOUT taken json)
  LANGUAGE plpgsql AS $$
  BEGIN
    finished := array_to_json(${s}.finish(tokens, queues, which, seqs, ids, true));
    COMMIT;
    taken := to_json(${s}.take(queue_name, types, asked, wanted, max_bytes, starts, lease_ms, renew_ms, suspects));
  END $$;
  `
}
