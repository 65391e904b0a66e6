/**
 * The life of a job as one pure function; docs/state-machine.md is its drawing. The memory store runs on it,
 * and the conformance cases hold every other store to it.
 */
import type { Again, CrashPolicy, Outcome } from './backend.ts'
import {
  HISTORY_LIMIT,
  type HistoryEntry,
  type JobError,
  type JobRecord,
  type JobState,
  type NewJob,
} from './job.ts'

/** What can happen to a job after its enqueue. */
export type JobEvent =
  | {
      readonly kind: 'claim'
      readonly owner: string
      readonly token: string
      readonly leaseUntil: number
      readonly started: boolean
    }
  | { readonly kind: 'start' }
  /** Its delay is over. */
  | { readonly kind: 'due' }
  /** Its time to be started is over. */
  | { readonly kind: 'expire' }
  /** Its lease expired, or its owner is known to be dead. */
  | { readonly kind: 'reap'; readonly policy: CrashPolicy }
  /** Nobody has handled its type for the grace period. */
  | { readonly kind: 'unhandled' }
  | { readonly kind: 'replay' }
  | Outcome

/** The fields that an event changes. `removed` says that the record is to be deleted instead. */
export type JobChange = Partial<{ -readonly [K in keyof JobRecord]: JobRecord[K] }> & { removed?: true }

/** The states in which an event can find a job. In any other it changes nothing. */
export const FROM: Readonly<Record<JobEvent['kind'], readonly JobState[]>> = {
  claim: ['waiting'],
  start: ['active'],
  due: ['delayed'],
  expire: ['waiting', 'delayed'],
  reap: ['active'],
  unhandled: ['waiting'],
  replay: ['dead', 'cancelled'],
  done: ['active'],
  retry: ['active'],
  snooze: ['active'],
  hold: ['active'],
  dead: ['active'],
  release: ['active'],
  crash: ['active'],
  cancelled: ['waiting', 'delayed', 'blocked', 'active'],
}

/** The codec of a job of which only the id is kept, to refuse a second add. */
export const NO_PAYLOAD = 'none'

const FREE = { owner: null, token: null, leaseUntil: null, started: false } as const

/**
 * What `event` does to `job` at the store's time of day `now`; undefined when it cannot happen in its state.
 */
export function transition(job: JobRecord, event: JobEvent, now: number): JobChange | undefined {
  if (!FROM[event.kind].includes(job.state)) return undefined
  switch (event.kind) {
    case 'claim': {
      const { owner, token, leaseUntil, started } = event
      return { state: 'active', runAt: null, owner, token, leaseUntil, started }
    }
    case 'start':
      return { started: true }
    case 'due':
      return { state: 'waiting', runAt: null }
    case 'expire':
      return finish(job, 'dead', now, null, { error: EXPIRED, event: 'dead' })
    case 'unhandled':
      return finish(job, 'dead', now, null, { error: unknownType(job.type), event: 'dead' })
    case 'reap':
      return job.started ? crash(job, event.policy, WORKER_DIED, now) : { ...FREE, state: 'waiting' }
    case 'replay':
      if (job.codec === NO_PAYLOAD) return undefined
      return {
        state: 'waiting',
        runAt: null,
        expiresAt: null,
        attempt: 0,
        crashes: 0,
        heldSince: null,
        finishedAt: null,
        keepUntil: null,
        history: noted(job, now, 'replay', null),
      }
    case 'done': {
      const { result, keepMs } = event
      return { ...finish(job, 'done', now, keepMs), result: keepMs === 0 ? null : result, error: null }
    }
    case 'retry':
      return {
        ...FREE,
        ...again(event.again, now),
        attempt: job.attempt + 1,
        // Whoever ran it understood its payload; an older worker that cannot starts a new grace period.
        heldSince: null,
        error: event.error,
        history: noted(job, now, 'retry', event.error),
      }
    case 'snooze':
      return { ...FREE, ...again(event.again, now), heldSince: null }
    case 'hold':
      return {
        ...FREE,
        ...again(event.again, now),
        heldSince: job.heldSince ?? now,
        error: event.error,
        history: job.heldSince === null ? noted(job, now, 'hold', event.error) : job.history,
      }
    case 'dead':
      return {
        ...finish(job, 'dead', now, event.keepMs, { error: event.error, event: 'dead' }),
        attempt: job.attempt + 1,
      }
    case 'cancelled':
      return finish(job, 'cancelled', now, event.keepMs, { error: null, event: 'cancel' })
    case 'release':
      return { ...FREE, state: 'waiting' }
    case 'crash':
      return crash(job, event.policy, event.error, now)
  }
}

/** The record that an enqueue makes. A store sets `seq`. */
export function created(queue: string, job: NewJob, seq: number, now: number): JobRecord {
  const runAt = job.runAt ?? now + job.delayMs
  const delayed = runAt > now
  return {
    id: job.id,
    queue,
    type: job.type,
    seq,
    payload: job.payload,
    codec: job.codec,
    priority: job.priority,
    state: delayed ? 'delayed' : 'waiting',
    runAt: delayed ? runAt : null,
    createdAt: now,
    expiresAt: job.expireMs === null ? null : now + job.expireMs,
    maxRetries: job.maxRetries,
    dedupeMs: job.dedupeMs,
    headers: job.headers,
    tags: job.tags,
    key: job.key,
    uniqueKey: job.uniqueKey,
    uniqueUntil: job.uniqueMs === null ? null : now + job.uniqueMs,
    parent: job.parent,
    attempt: 0,
    crashes: 0,
    started: false,
    owner: null,
    token: null,
    leaseUntil: null,
    heldSince: null,
    pending: 0,
    result: null,
    progress: null,
    error: null,
    history: [],
    finishedAt: null,
    keepUntil: null,
  }
}

function again(when: Again, now: number): JobChange {
  const runAt = 'runAt' in when ? when.runAt : now + when.delayMs
  return runAt > now ? { state: 'delayed', runAt } : { state: 'waiting', runAt: null }
}

function crash(job: JobRecord, policy: CrashPolicy, error: JobError, now: number): JobChange {
  const crashes = job.crashes + 1
  if (crashes < policy.maxCrashes) {
    return { ...FREE, state: 'waiting', crashes, error, history: noted(job, now, 'crash', error) }
  }
  const final = {
    ...error,
    code: 'JOB_CRASHED',
    message: `${error.message} (crash ${crashes} of ${policy.maxCrashes})`,
  }
  return { ...finish(job, 'dead', now, policy.keepDeadMs, { error: final, event: 'dead' }), crashes }
}

function finish(
  job: JobRecord,
  state: 'done' | 'dead' | 'cancelled',
  now: number,
  keepMs: number | null,
  note?: { error: JobError | null; event: HistoryEntry['event'] },
): JobChange {
  if (keepMs === 0 && job.dedupeMs === 0) return { removed: true }
  return {
    ...FREE,
    state,
    runAt: null,
    finishedAt: now,
    keepUntil: keepMs === null ? null : now + Math.max(keepMs, job.dedupeMs),
    // Kept for its id alone: the payload has done its duty.
    ...(keepMs === 0 ? { payload: '', codec: NO_PAYLOAD } : {}),
    ...(note === undefined ? {} : { history: noted(job, now, note.event, note.error) }),
    ...(note?.error ? { error: note.error } : {}),
  }
}

function noted(
  job: JobRecord,
  at: number,
  event: HistoryEntry['event'],
  error: JobError | null,
): readonly HistoryEntry[] {
  return [...job.history, { at, event, error }].slice(-HISTORY_LIMIT)
}

/** The causes of death that a store itself gives, the same in every store. */
export const EXPIRED: JobError = {
  name: 'JobExpiredError',
  message: 'the job was not started before it expired',
  code: 'JOB_EXPIRED',
  stack: null,
}

export const WORKER_DIED: JobError = {
  name: 'JobCrashedError',
  message: 'the worker died, or lost its lease, while the job was running',
  code: 'JOB_CRASHED',
  stack: null,
}

export function unknownType(type: string): JobError {
  return {
    name: 'UnknownJobTypeError',
    message: `no worker has handled jobs of type "${type}" for the grace period`,
    code: 'UNKNOWN_JOB_TYPE',
    stack: null,
  }
}
