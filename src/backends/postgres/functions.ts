/**
 * What is done in the server, each in one call. Functions, for the plans that they keep; and because a scan of a
 * table that was empty when a plan was made must not stay a scan of all of it, none may be planned. (A plan without that choice looks costly: it is not to be compiled.)
 */
export function functions(s: string, space: number): string {
  const planned = `SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '4s'`
  // Between a low mark's own bits and those of the schema.
  const mark = `(${space}::bigint << 48)`
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

  CREATE TYPE ${s}.added AS (seqs bigint[], added boolean[], delayed int);

  -- Puts jobs into a queue. MH001: prepare it first. Null: there is no room for all of them.
  CREATE FUNCTION ${s}.enqueue(queue_name text, types text[], ranks smallint[], which int[], ids text[], payloads text[],
    forms smallint[], sizes int[], mores text[], dedupes bigint[], run_ats bigint[], expires bigint[],
    uniques bigint[], max_length bigint) RETURNS ${s}.added
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
      RAISE EXCEPTION 'the queue is not prepared' USING ERRCODE = 'MH001';
    END IF;
    IF max_length IS NOT NULL THEN
      SELECT open + delayed INTO length FROM ${s}.queue WHERE queue_id = q;
      SELECT length + coalesce(sum(t.open + t.delayed), 0) INTO length FROM ${s}.tally t WHERE t.queue_id = q;
      IF length + count > max_length THEN RETURN NULL; END IF;
    END IF;
    -- From here to its end, this transaction holds a mark: it may bring numbers above it.
    IF coalesce(current_setting('millhand.mark', true), '') = '' THEN
      SELECT last_value INTO low FROM ${s}.job_seq;
      PERFORM pg_advisory_xact_lock_shared(${mark} | (low & 281474976710655));
      PERFORM set_config('millhand.mark', low::text, true);
    END IF;
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
      ON CONFLICT (queue_id, id) DO NOTHING
      RETURNING seq, place
    )
    SELECT array_agg(seq), count(*) FILTER (WHERE place = 3) INTO result.seqs, result.delayed FROM put;
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

  CREATE TYPE ${s}.report AS (gap boolean, reaped text[], promoted int, late text[], removed int,
    types text[], for_ms bigint[]);

  -- The upkeep that most rounds need, and what is left to be decided job by job: leases that ran out, jobs that were
  -- not started in time, types that nobody handles.
  CREATE FUNCTION ${s}.upkeep(queue_name text, handles text[], lease_ms bigint, most int) RETURNS ${s}.report
  LANGUAGE plpgsql ${planned} AS $$
  DECLARE
    q ${s}.queue;
    now bigint := ${s}.now_ms();
    lease_now bigint := ${s}.lease_now_ms();
    r ${s}.report;
    bound bigint;
    left_ int := most;
    sums ${s}.tally;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO q FROM ${s}.queue WHERE name = queue_name FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
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

    SELECT array_agg(x.id), count(*) INTO r.reaped, left_ FROM (
      SELECT c.id FROM ${s}.grant_ g CROSS JOIN unnest(g.seqs) u (seq)
      JOIN ${s}.claim c ON c.seq = u.seq AND c.grant_id = g.grant_id
      WHERE g.queue_id = q.queue_id AND g.lease_until <= bound LIMIT most FOR UPDATE OF c SKIP LOCKED) x;
    left_ := most - left_;
    DELETE FROM ${s}.grant_ g WHERE g.queue_id = q.queue_id AND g.lease_until < lease_now
      AND NOT EXISTS (SELECT FROM unnest(g.seqs) u (seq) JOIN ${s}.claim c ON c.seq = u.seq AND c.grant_id = g.grant_id);
    r.promoted := ${s}.promote(q.queue_id, now, left_);
    left_ := left_ - r.promoted;

    SELECT array_agg(x.id), left_ - count(*) INTO r.late, left_ FROM (
      SELECT j.id FROM ${s}.job j WHERE j.queue_id = q.queue_id AND j.expires_at <= now AND j.place IN (0, 1, 2, 3)
        AND NOT EXISTS (SELECT FROM ${s}.claim c WHERE c.seq = j.seq) ORDER BY j.expires_at LIMIT left_) x;

    WITH old AS (
      SELECT id FROM ${s}.job WHERE queue_id = q.queue_id AND keep_until <= now ORDER BY keep_until LIMIT left_
      FOR UPDATE SKIP LOCKED
    ), removed AS (
      DELETE FROM ${s}.job j USING old WHERE j.queue_id = q.queue_id AND j.id = old.id RETURNING place
    ), counted AS (
      SELECT count(*) FILTER (WHERE place = 4)::int AS done, count(*) FILTER (WHERE place = 5)::int AS dead,
        count(*) FILTER (WHERE place = 6)::int AS cancelled, count(*)::int AS all_ FROM removed
    ), put AS (
      INSERT INTO ${s}.tally (queue_id, done, dead, cancelled)
        SELECT q.queue_id, -done, -dead, -cancelled FROM counted WHERE all_ > 0
    )
    SELECT all_ INTO r.removed FROM counted;

    WITH state AS (
      SELECT t.type, t.unhandled_since AS before, CASE
        WHEN t.handled IS NOT NULL AND lease_now - t.handled <= lease_ms THEN NULL
        WHEN NOT EXISTS (SELECT FROM ${s}.line l CROSS JOIN LATERAL (
            (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 0 AND j.seq > l.head
              AND NOT EXISTS (SELECT FROM ${s}.claim c WHERE c.seq = j.seq) LIMIT 1)
            UNION ALL (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 1 LIMIT 1)
            UNION ALL (SELECT FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 2 LIMIT 1)) w
          WHERE l.queue_id = t.queue_id AND l.type = t.type) THEN NULL
        WHEN r.gap THEN lease_now ELSE coalesce(t.unhandled_since, lease_now) END AS since
      FROM ${s}.job_type t WHERE t.queue_id = q.queue_id
    ), noted AS (
      UPDATE ${s}.job_type t SET unhandled_since = state.since FROM state
      WHERE t.queue_id = q.queue_id AND t.type = state.type AND state.since IS DISTINCT FROM state.before
    )
    SELECT array_agg(type), array_agg(lease_now - since) INTO r.types, r.for_ms FROM state WHERE since IS NOT NULL;
    RETURN r;
  END $$;
  `
}
