import { HOLDS } from './holds.ts'
import type { Sql } from './sql.ts'

/** What a claim reads of the jobs that may be its own, the first of them. @param jobs a FROM clause, in which they are `j`. */
function candidates(jobs: string): string {
  return `SELECT array_agg(id) FILTER (WHERE expires_at <= now) AS late, array_agg(seq) AS seqs, array_agg(line_id) AS line_ids,
              array_agg(id) AS ids, array_agg(payload) AS payloads, array_agg(created_at) AS created,
              array_agg(id) FILTER (WHERE place <> 0) AS back, array_agg(size) AS sizes, sum(size) AS size,
              array_agg(json_build_array(seq, form, more, note, crashes, expires_at))
                FILTER (WHERE form IS NOT NULL OR more IS NOT NULL OR note IS NOT NULL OR crashes IS NOT NULL
                  OR expires_at IS NOT NULL) AS rare INTO p
            FROM (SELECT j.*, coalesce(j.bytes, octet_length(j.payload)) AS size FROM ${jobs}
              ORDER BY j.seq LIMIT left_) e`
}

/** The FRESH ones of a line that nobody holds. `low` is at or below the heads of all lines of its rank. */
function fresh(s: string, line: string, head: string): string {
  return `${s}.job j
                WHERE j.line_id = ${line} AND j.place = 0 AND j.seq > ${head}
                  AND j.seq NOT IN (SELECT u.seq FROM ${s}.grant_ g CROSS JOIN unnest(g.seqs) u (seq)
                    WHERE g.queue_id = q AND g.last_seq > low)`
}

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
    seqs bigint[], line_ids int[], ids text[], payloads text[], created bigint[], rare json[], starts int, began bigint[],
    line_no int[], line_type text[], line_rank smallint[], suspect boolean, due_ms bigint, paused boolean, control bigint,
    late text[]
  );

  -- Takes jobs, or gives again what the token holds.
  CREATE FUNCTION ${s}.take(queue_name text, types text[], asked text, wanted int, max_bytes bigint, starts int,
    lease_ms bigint, renew_ms bigint, suspects boolean) RETURNS ${s}.taken
  LANGUAGE plpgsql ${planned} SET enable_bitmapscan = off AS $$
  DECLARE
    q int;
    now bigint := ${s}.now_ms();
    lease_now bigint := ${s}.lease_now_ms();
    t ${s}.taken;
    r record;
    p record;
    back text[] := '{}';
    count int;
    last bigint;
    room bigint := max_bytes;
    left_ int := CASE WHEN suspects THEN least(wanted, 1) ELSE wanted END;
    due bigint;
    given bigint;
    low bigint;
    first_free bigint;
    heads bigint[];
    returned boolean;
    first int;
    upto int := 0;
    said text;
  BEGIN
    -- A claim that a crash of the server takes back ends like one whose worker has died.
    said := set_config('synchronous_commit', 'off', true);
    SELECT k.queue_id, k.paused, k.control,
        (SELECT j.run_at FROM ${s}.job j WHERE j.queue_id = k.queue_id AND j.place = 3 ORDER BY j.run_at LIMIT 1), l.*
      INTO q, t.paused, t.control, due, t.line_no, t.line_type, t.line_rank, heads, returned
      FROM ${s}.queue k CROSS JOIN LATERAL (
        SELECT array_agg(l.line_id), array_agg(l.type), array_agg(l.rank), array_agg(l.head),
          bool_or(EXISTS (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place IN (1, 2)))
        FROM (SELECT * FROM ${s}.line l WHERE l.queue_id = k.queue_id AND l.type = ANY (types) ORDER BY l.rank) l) l
      WHERE k.name = queue_name;
    IF q IS NULL THEN RETURN t; END IF;
    IF returned THEN
      t.suspect := EXISTS (SELECT FROM ${s}.job j WHERE j.line_id = ANY (t.line_no) AND j.place = 2);
    END IF;

    -- One claim of a queue at a time. It is short, and nothing in it waits for a client or for the disk. When the same is asked
    -- again, the first may still be at it: its end is waited for, or there would be two with one token.
    IF wanted > 0 THEN said := pg_advisory_xact_lock(${space}, q)::text; END IF;
    PERFORM FROM ${s}.grant_ g WHERE g.token = asked AND g.queue_id = q;
    IF FOUND THEN
      SELECT array_agg(j.seq) AS seqs, array_agg(j.line_id) AS line_ids, array_agg(j.id) AS ids, array_agg(j.payload) AS payloads,
          array_agg(j.created_at) AS created, array_agg(j.seq) FILTER (WHERE j.started) AS began,
          array_agg(json_build_array(j.seq, j.form, j.more, j.note, j.crashes, j.expires_at)) AS rare,
          array_agg(DISTINCT j.line_id) AS known INTO p
        FROM (
          SELECT j.*, c.started FROM ${s}.claim c
          JOIN ${s}.job j ON j.queue_id = q AND j.id = c.id AND j.seq = c.seq AND ${HOLDS}
          JOIN ${s}.line l ON l.line_id = j.line_id
          WHERE c.token = asked AND c.queue_id = q ORDER BY l.rank, j.seq
        ) j;
      IF p.seqs IS NOT NULL THEN
        t.seqs := p.seqs; t.line_ids := p.line_ids; t.ids := p.ids; t.payloads := p.payloads; t.created := p.created;
        t.rare := p.rare; t.starts := 0; t.began := p.began; left_ := 0;
        SELECT array_agg(line_id), array_agg(type), array_agg(rank) INTO t.line_no, t.line_type, t.line_rank
          FROM ${s}.line WHERE line_id = ANY (t.line_no || p.known);
      END IF;
    END IF;

    IF left_ > 0 AND NOT t.paused THEN
      IF due <= now THEN
        -- By this claim, or by one that it has waited for.
        returned := true;
        said := ${s}.promote(q, now, greatest(wanted, 100));
        due := (SELECT run_at FROM ${s}.job WHERE queue_id = q AND place = 3 ORDER BY run_at LIMIT 1);
      END IF;

      -- The lines of one rank after those of another. There may be more by now than the answer names.
      WHILE upto < cardinality(t.line_no) LOOP
        first := upto + 1;
        low := heads[first];
        LOOP
          upto := upto + 1;
          low := least(low, heads[upto]);
          EXIT WHEN t.line_rank[upto + 1] IS DISTINCT FROM t.line_rank[first];
        END LOOP;
        IF suspects THEN
          ${candidates(`unnest(t.line_no[first:upto]) l (line_id) CROSS JOIN LATERAL (
                SELECT * FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 2
                ORDER BY j.seq LIMIT left_) j`)};
        ELSIF upto = first AND returned IS NOT TRUE THEN
          -- As a rule: one index, in its order.
          ${candidates(fresh(s, 't.line_no[first]', 'low'))};
        ELSE
          ${candidates(`(
              SELECT j.* FROM unnest(t.line_no[first:upto], heads[first:upto]) l (line_id, head) CROSS JOIN LATERAL (
                SELECT * FROM ${fresh(s, 'l.line_id', 'l.head')}
                ORDER BY j.seq LIMIT left_) j
              UNION ALL
              SELECT j.* FROM unnest(t.line_no[first:upto]) l (line_id) CROSS JOIN LATERAL (
                SELECT * FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 1
                ORDER BY j.seq LIMIT left_) j) j`)};
        END IF;
        -- Behind the first that does not fit nothing is looked at.
        IF p.late IS NOT NULL AND p.size > room THEN
          SELECT array_agg(x.id) FILTER (WHERE x.expired) INTO p.late FROM (
            SELECT y.id, y.expired, bool_and(y.size + y.total <= room OR y.before = 0 AND t.seqs IS NULL) OVER (ORDER BY y.n) AS met
            FROM (
              SELECT u.n, u.id, u.size, u.id = ANY (p.late) AS expired,
                coalesce(sum(u.size) FILTER (WHERE u.id <> ALL (p.late)) OVER earlier, 0) AS total,
                count(*) FILTER (WHERE u.id <> ALL (p.late)) OVER earlier AS before
              FROM unnest(p.ids, p.sizes) WITH ORDINALITY u (id, size, n)
              WINDOW earlier AS (ORDER BY u.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) y) x
          WHERE x.met;
        END IF;
        -- What has expired is in the way until it is dead-lettered: the caller sees to it, and asks again for all.
        IF p.late IS NOT NULL THEN
          t.late := p.late; t.seqs := NULL;
          RETURN t;
        END IF;
        CONTINUE WHEN p.seqs IS NULL;
        count := cardinality(p.seqs);
        IF p.size > room THEN
          SELECT count(*) INTO count FROM (
            SELECT sum(size) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS total
            FROM unnest(p.sizes) WITH ORDINALITY u (size, n)) x WHERE total <= room;
          -- The first goes in any case.
          IF t.seqs IS NULL THEN count := greatest(count, 1); END IF;
          EXIT WHEN count = 0;
        END IF;
        IF t.seqs IS NULL AND count = cardinality(p.seqs) THEN
          t.seqs := p.seqs; t.line_ids := p.line_ids; t.ids := p.ids; t.payloads := p.payloads; t.created := p.created;
        ELSE
          t.seqs := t.seqs || p.seqs[:count]; t.line_ids := t.line_ids || p.line_ids[:count];
          t.ids := t.ids || p.ids[:count]; t.payloads := t.payloads || p.payloads[:count];
          t.created := t.created || p.created[:count];
        END IF;
        t.rare := t.rare || p.rare;
        back := back || p.back;
        last := greatest(last, p.seqs[count]);
        left_ := left_ - count;
        room := room - p.size;
        EXIT WHEN left_ <= 0 OR count < cardinality(p.seqs);
      END LOOP;

      IF t.seqs IS NOT NULL THEN
        t.starts := starts;
        INSERT INTO ${s}.grant_ (queue_id, token, lease_until, renew_until, last_seq, starts, remaining, seqs, ids)
          VALUES (q, asked, lease_now + least(lease_ms, renew_ms), lease_now + renew_ms, last, starts, cardinality(t.seqs), t.seqs, t.ids)
          RETURNING grant_id INTO given;
        IF back <> '{}' THEN
          UPDATE ${s}.job j SET place = 7, grant_id = given FROM unnest(back) u (id)
            WHERE j.queue_id = q AND j.id = u.id AND j.seq = ANY (t.seqs);
        END IF;
        -- Lines move on when scans become long. First the marks, then what is left: whoever holds no mark any more
        -- is seen. Dead rows before it are never met again, whatever keeps vacuum from them.
        IF random() * 200 < cardinality(t.seqs) THEN
          FOR r IN SELECT l.line_id, l.head, u.last FROM ${s}.line l JOIN (
              SELECT u.line_id, max(u.seq) AS last FROM unnest(t.line_ids, t.seqs, t.ids) u (line_id, seq, id)
              WHERE back = '{}' OR u.id <> ALL (back) GROUP BY u.line_id) u ON l.line_id = u.line_id
            WHERE u.last - l.head > 1000
          LOOP
            SELECT min(((m.classid::bigint & 65535) << 32) | m.objid::bigint) INTO low FROM pg_locks m
              WHERE m.locktype = 'advisory' AND m.objsubid = 1 AND m.classid::bigint >> 16 = ${space}
                AND m.database = (SELECT oid FROM pg_database WHERE datname = current_database());
            SELECT j.seq INTO first_free FROM ${s}.job j WHERE j.line_id = r.line_id AND j.place = 0 AND j.seq > r.head
              AND j.seq NOT IN (SELECT u.seq FROM ${s}.grant_ g CROSS JOIN unnest(g.seqs) u (seq)
                WHERE g.queue_id = q AND g.last_seq > r.head) ORDER BY j.seq LIMIT 1;
            low := least(low, r.last, first_free - 1);
            IF low > r.head THEN UPDATE ${s}.line SET head = low WHERE line_id = r.line_id; END IF;
          END LOOP;
        END IF;
      END IF;
    END IF;

    IF suspects THEN
      t.suspect := EXISTS (SELECT FROM ${s}.job WHERE place = 2 AND line_id IN (
        SELECT line_id FROM ${s}.line WHERE queue_id = q AND type = ANY (types)));
    END IF;
    t.due_ms := CASE WHEN due IS NOT NULL THEN greatest(0, due - now) END;
    RETURN t;
  END $$;

  -- One trip: what was settled is free before anything is claimed, and the lock of the queue is not held while the
  -- disk works. The second transaction waits for it, and so for the first.
  CREATE PROCEDURE ${s}.exchange(tokens text[], queues text[], which int[], seqs bigint[], ids text[], keeps bigint[],
    results text[], forms smallint[], queue_name text, types text[], asked text, wanted int, max_bytes bigint, starts int,
    lease_ms bigint, renew_ms bigint, suspects boolean, INOUT finished json, INOUT taken json)
  LANGUAGE plpgsql AS $$
  DECLARE
    done int[];
    t ${s}.taken;
    durable pg_lsn;
  BEGIN
    IF seqs <> '{}' THEN
      done := ${s}.finish(tokens, queues, which, seqs, ids, keeps, results, forms, true);
    END IF;
    t := ${s}.take(queue_name, types, asked, wanted, max_bytes, starts, lease_ms, renew_ms, suspects);
    COMMIT;
    finished := array_to_json(coalesce(done, '{}'));
    taken := to_json(t);
    IF done <> '{}' OR t.seqs IS NOT NULL THEN durable := pg_logical_emit_message(true, 'millhand', ''); END IF;
  END $$;
  `
}
