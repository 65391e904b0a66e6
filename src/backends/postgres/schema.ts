import { BLOCK, enqueueSql } from './sql/enqueue.ts'
import { finishSql } from './sql/finish.ts'
import { lookSql } from './sql/look.ts'
import { prepareSql } from './sql/prepare.ts'
import { takeSql } from './sql/take.ts'
import { upkeepSql } from './sql/upkeep.ts'

/**
 * Where a job is, as `job.place` says. A job that is FRESH and named by a grant is active. TAKEN is where claims put
 * what they take from BACK and SUSPECT; what they take from FRESH stays, for the line has moved on.
 */
export const PLACE = {
  FRESH: 0,
  BACK: 1,
  SUSPECT: 2,
  DELAYED: 3,
  DONE: 4,
  DEAD: 5,
  CANCELLED: 6,
  TAKEN: 7,
} as const

/** A name of SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The first key of our advisory locks of two keys (a queue), and the top 15 bits of those of one (a low mark). */
export function lockSpace(schema: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`millhand ${schema}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % 0x7fff
}

/**
 * The steps from nothing to the present schema; its version is how many it has had. A step that was released is
 * never changed. All names begin with the schema: nobody's search_path matters.
 *
 * job     one row a job, written once and deleted once when all goes well: a claim does not touch it. `seq` comes
 *         from a sequence, in blocks. `more` is JSON of what few jobs bring with them, `note` of what few go through.
 * line    the jobs of one type and priority of a queue. No job of it at or below `head` is FRESH and unclaimed, nor
 *         ever will be: scans begin there, and never walk over the dead rows of the past.
 * grant_  one row a claim of many jobs: token and lease. Its jobs are `seqs`, as far as they are still there in the
 *         place where it found or put them: see `HOLDS`. The first `starts` were started with it, `began` later. `remaining`
 *         have not been seen to be done; it goes with the last of them.
 * claim   what grants name, a row a job.
 * tally   what transactions add to the counts of a queue, each in a row of its own, so that none waits for another;
 *         upkeep sums them up. `open` counts what waits or is active.
 *
 * The indexes of jobs are partial: a job is in two of them at a time. Scale factors of 0: vacuum comes after so many
 * rows, whatever the size of a backlog.
 */
export function migrations(schema: string): readonly string[] {
  const s = quoted(schema)
  const planned =
    "SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '4s'"
  const sql = { s, space: lockSpace(schema), planned }
  return [
    `
  CREATE TABLE ${s}.queue (
    queue_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    paused boolean NOT NULL DEFAULT false,
    control bigint NOT NULL DEFAULT 0,
    maintained bigint,
    grace_until bigint,
    open bigint NOT NULL DEFAULT 0,
    delayed bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);

  CREATE TABLE ${s}.tally (
    queue_id int NOT NULL,
    open int NOT NULL DEFAULT 0,
    delayed int NOT NULL DEFAULT 0,
    done int NOT NULL DEFAULT 0,
    dead int NOT NULL DEFAULT 0,
    cancelled int NOT NULL DEFAULT 0
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
  CREATE INDEX tally_queue ON ${s}.tally (queue_id);

  CREATE TABLE ${s}.line (
    line_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue_id int NOT NULL,
    type text COLLATE "C" NOT NULL,
    rank smallint NOT NULL,
    head bigint NOT NULL DEFAULT 0,
    UNIQUE (queue_id, type, rank)
  ) WITH (fillfactor = 50);

  CREATE TABLE ${s}.job_type (
    queue_id int NOT NULL,
    type text COLLATE "C" NOT NULL,
    handled bigint,
    unhandled_since bigint,
    PRIMARY KEY (queue_id, type)
  ) WITH (fillfactor = 50);

  CREATE SEQUENCE ${s}.job_seq AS bigint INCREMENT ${BLOCK};

  CREATE TABLE ${s}.job (
    seq bigint NOT NULL,
    created_at bigint NOT NULL,
    queue_id int NOT NULL,
    line_id int NOT NULL,
    place smallint NOT NULL,
    form smallint,
    id text COLLATE "C" NOT NULL,
    payload text NOT NULL,
    bytes int,
    more text,
    note text,
    progress text,
    crashes int,
    dedupe_ms bigint,
    run_at bigint,
    expires_at bigint,
    unique_until bigint,
    finished_at bigint,
    keep_until bigint,
    result text,
    result_form smallint,
    grant_id bigint
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000,
    autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 20000);
  -- New entries come at the end of these: their pages need no room for more.
  CREATE UNIQUE INDEX job_id ON ${s}.job (queue_id, id) WITH (fillfactor = 100);
  CREATE INDEX job_fresh ON ${s}.job (line_id, seq) WITH (fillfactor = 100) WHERE place = 0;
  CREATE INDEX job_back ON ${s}.job (line_id, place, seq) WHERE place IN (1, 2);
  CREATE INDEX job_delayed ON ${s}.job (queue_id, run_at) WHERE place = 3;
  CREATE INDEX job_finished ON ${s}.job (queue_id, seq) WHERE place IN (4, 5, 6);
  CREATE INDEX job_expiring ON ${s}.job (queue_id, expires_at)
    WHERE expires_at IS NOT NULL AND place IN (0, 1, 2, 3);
  CREATE INDEX job_kept ON ${s}.job (queue_id, keep_until) WHERE keep_until IS NOT NULL;

  CREATE TABLE ${s}.grant_ (
    grant_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue_id int NOT NULL,
    token text COLLATE "C" NOT NULL,
    lease_until bigint NOT NULL,
    renew_until bigint,
    last_seq bigint NOT NULL,
    starts int NOT NULL,
    remaining int NOT NULL,
    began bigint[] NOT NULL DEFAULT '{}',
    seqs bigint[] NOT NULL,
    ids text[] COLLATE "C" NOT NULL
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000);
  ALTER TABLE ${s}.grant_ ALTER seqs SET STORAGE EXTERNAL, ALTER ids SET STORAGE EXTERNAL;
  CREATE INDEX grant_token ON ${s}.grant_ (token, queue_id);
  CREATE INDEX grant_reach ON ${s}.grant_ (queue_id, last_seq);

  CREATE VIEW ${s}.claim AS
    SELECT u.seq, u.id, g.grant_id, g.queue_id, g.token, g.lease_until, u.n <= g.starts OR u.seq = ANY (g.began) AS started
    FROM ${s}.grant_ g CROSS JOIN unnest(g.seqs, g.ids) WITH ORDINALITY u (seq, id, n);

  CREATE TABLE ${s}.schedule (
    queue_id int NOT NULL,
    name text COLLATE "C" NOT NULL,
    tick bigint NOT NULL,
    PRIMARY KEY (queue_id, name)
  );
  ${[prepareSql, enqueueSql, finishSql, takeSql, upkeepSql, lookSql].map((of) => of(sql)).join('')}
  `,
  ]
}
