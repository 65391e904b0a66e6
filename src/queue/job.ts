/** The record of a job: what a store keeps of it, from its enqueue to its end. */

/** Where a job is in its life; drawn in docs/state-machine.md, decided in transition.ts. */
export type JobState = 'waiting' | 'delayed' | 'blocked' | 'active' | 'done' | 'dead' | 'cancelled'

export const JOB_STATES: readonly JobState[] = [
  'waiting',
  'delayed',
  'blocked',
  'active',
  'done',
  'dead',
  'cancelled',
]

/** Encoded bytes or text. A store keeps it as it is and never looks inside. */
export type Encoded = string | Uint8Array

/** An error as a record: what is kept of a failed attempt. */
export interface JobError {
  readonly name: string
  readonly message: string
  /** The error's `code`, if it had one. */
  readonly code: string | null
  /** At most 4 KiB of it. */
  readonly stack: string | null
}

/** One line of a job's history. Only what went wrong or was done by hand is noted; at most {@link HISTORY_LIMIT}. */
export interface HistoryEntry {
  /** Store's wall clock, ms since the epoch. */
  readonly at: number
  readonly event: 'retry' | 'hold' | 'crash' | 'dead' | 'cancel' | 'replay'
  readonly error: JobError | null
}

/** The oldest entries of a longer history are dropped. */
export const HISTORY_LIMIT = 10

/** What a producer hands to a store. Complete: every default was applied by the queue. */
export interface NewJob {
  /** Unique in its queue, never reused. Adding the same id again is a `duplicate` and changes nothing. */
  readonly id: string
  readonly type: string
  readonly payload: Encoded
  /** Who can decode the payload: `json` unless a codec was given. */
  readonly codec: string
  /** 0 to 1000, higher is more urgent. */
  readonly priority: number
  /** Not before this time by the store's wall clock, ms since the epoch. Null: by `delayMs`. */
  readonly runAt: number | null
  /** Not before so many ms from the moment the store takes it. 0: at once. */
  readonly delayMs: number
  /** Dead-lettered as JOB_EXPIRED when it still waits, for a first start or a retry, so many ms after its enqueue. Null: never. */
  readonly expireMs: number | null
  /** Failed attempts that are tried again. Null: as the worker's retry policy says. */
  readonly maxRetries: number | null
  /** After its end the id still refuses a second add for so many ms. 0 for ids that nobody else can repeat. */
  readonly dedupeMs: number
  /** Tracing, tenancy, correlation. Kept as they are. */
  readonly headers: Readonly<Record<string, string>>
  /** What jobs can be found by. */
  readonly tags: readonly string[]
  /** Ordering lane; reserved. */
  readonly key: string | null
  /** Uniqueness across jobs and its window; reserved. */
  readonly uniqueKey: string | null
  readonly uniqueMs: number | null
  /** The job that waits for this one, in state `blocked`; reserved. */
  readonly parent: string | null
}

/** A job as it stands in the store. */
export interface JobRecord extends Omit<NewJob, 'delayMs' | 'expireMs' | 'uniqueMs'> {
  readonly queue: string
  /** Assigned at enqueue, ascending, never reused. Kept by hand-back, expiry and retry, so order survives them. */
  readonly seq: number
  readonly state: JobState
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly uniqueUntil: number | null
  /** Attempts spent: failures so far. The attempt that runs now is `attempt + 1`. */
  readonly attempt: number
  /** How often its worker died while it ran. Above 0 the job is a suspect, and is claimed alone. */
  readonly crashes: number
  /** True when a handler may have begun since it was claimed. */
  readonly started: boolean
  /** Incarnation of the worker that holds it. */
  readonly owner: string | null
  /** The fencing token of the present claim. */
  readonly token: string | null
  /** When the lease ends, by the store's lease clock; only a store can compare it. */
  readonly leaseUntil: number | null
  /** Since when its payload is not understood by any worker that looked, wall clock. */
  readonly heldSince: number | null
  /** Children that are not finished; reserved. */
  readonly pending: number
  readonly result: Encoded | null
  readonly progress: string | null
  readonly error: JobError | null
  readonly history: readonly HistoryEntry[]
  readonly finishedAt: number | null
  /** A finished job is removed after this time, wall clock. Null: kept until purged. */
  readonly keepUntil: number | null
}

/** What a worker gets to see of a job that it claimed: what running and settling it needs, no more. */
export interface ClaimedJob {
  readonly id: string
  readonly seq: number
  readonly type: string
  readonly priority: number
  readonly payload: Encoded
  readonly codec: string
  readonly attempt: number
  readonly crashes: number
  readonly maxRetries: number | null
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly heldSince: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly key: string | null
  readonly token: string
  /** True when the claim already recorded its start. */
  readonly started: boolean
}

/** Names one claim of one job. With a token that is not the present one, it names nothing. */
export interface JobRef {
  readonly queue: string
  readonly id: string
  readonly seq: number
  readonly token: string
}
