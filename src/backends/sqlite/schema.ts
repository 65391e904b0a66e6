import { JOB_STATES, type JobState } from '../../queue/job.ts'

/** 'mill', in the header of every database of ours. */
export const APPLICATION_ID = 0x6d696c6c

/** States are kept as their place in JOB_STATES: waiting 0, delayed 1, blocked 2, active 3, done 4, dead 5, cancelled 6. */
export const STATE = Object.fromEntries(JOB_STATES.map((state, at) => [state, at])) as Record<
  JobState,
  number
>

/**
 * The steps from an empty database to the present schema; the version of a database is how many it has had.
 * A step that was released is never changed.
 *
 * job      one row a job, by `seq`, which comes from `counter` and is never given out twice: SQLite's own row
 *          ids are reused, and a stale settle would hit another job. `rank` is minus the priority, so that all
 *          order is ascending. Times in *_at are of the wall clock, `lease_until` and `renew_until` of the lease
 *          clock. NULL is the common value of whatever is rare: codec json, no headers, no tags, no dedupe.
 * queue    `counts` are exact, kept by every transaction; `wake` grows when a worker may care.
 *
 * The indexes are partial, each holding only jobs of one kind, so that a job is in two of them at a time and a
 * backlog of one kind costs the others nothing.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counter (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);
  INSERT INTO counter VALUES (1, 0);

  CREATE TABLE queue (
    queue_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    paused INTEGER NOT NULL DEFAULT 0,
    control INTEGER NOT NULL DEFAULT 0,
    wake INTEGER NOT NULL DEFAULT 0,
    largest INTEGER NOT NULL DEFAULT 0,
    maintained INTEGER,
    grace_until INTEGER,
    waiting INTEGER NOT NULL DEFAULT 0,
    delayed INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    active INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0
  );

  CREATE TABLE type (
    type_id INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    handled INTEGER,
    unhandled_since INTEGER,
    UNIQUE (queue_id, name)
  );

  CREATE TABLE job (
    seq INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    type_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    rank INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    started INTEGER NOT NULL DEFAULT 0,
    token TEXT,
    lease_until INTEGER,
    renew_until INTEGER,
    created_at INTEGER NOT NULL,
    run_at INTEGER,
    expires_at INTEGER,
    finished_at INTEGER,
    keep_until INTEGER,
    held_since INTEGER,
    max_retries INTEGER,
    dedupe_ms INTEGER,
    lane TEXT,
    unique_key TEXT,
    unique_until INTEGER,
    parent TEXT,
    pending INTEGER NOT NULL DEFAULT 0,
    codec TEXT,
    headers TEXT,
    tags TEXT,
    progress TEXT,
    error TEXT,
    history TEXT,
    utf16 INTEGER,
    result,
    payload NOT NULL
  );
  CREATE UNIQUE INDEX job_id ON job (queue_id, id);
  CREATE INDEX job_waiting ON job (type_id, rank) WHERE state = 0 AND crashes = 0;
  CREATE INDEX job_suspect ON job (type_id, rank) WHERE state = 0 AND crashes > 0;
  CREATE INDEX job_delayed ON job (queue_id, run_at) WHERE state = 1;
  CREATE INDEX job_active ON job (token) WHERE token IS NOT NULL;
  CREATE INDEX job_expiring ON job (queue_id, expires_at) WHERE expires_at IS NOT NULL AND state < 2;
  CREATE INDEX job_finished ON job (queue_id, state) WHERE state > 3;
  CREATE INDEX job_kept ON job (queue_id, keep_until) WHERE keep_until IS NOT NULL;

  CREATE TABLE schedule (
    queue_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    tick INTEGER NOT NULL,
    PRIMARY KEY (queue_id, name)
  ) WITHOUT ROWID;
  `,
]
