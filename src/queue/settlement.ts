/** How a claim ends: what a worker says of a job, and what the store answers. */
import type { EnqueueResult } from './backend.ts'
import type { Encoded, JobError, JobRef, NewJob } from './job.ts'

export interface Settlement {
  readonly ref: JobRef
  readonly outcome: Outcome
  /** Jobs of the same store that are enqueued with the settle: both happen or neither does. */
  readonly followUps?: readonly FollowUps[]
}

export interface FollowUps {
  readonly queue: string
  readonly jobs: readonly NewJob[]
}

/** When a job may run again: so many ms from now, or at a time of day. */
export type Again = { readonly delayMs: number } | { readonly runAt: number }

/** How an attempt ended. What each does to a job is in transition.ts. */
export type Outcome =
  /** It worked. Kept for `keepMs` (null: until purged; 0: removed at once unless `dedupeMs` says longer). */
  | { readonly kind: 'done'; readonly result: Encoded | null; readonly keepMs: number | null }
  /** It failed and is tried again. Spends an attempt. */
  | { readonly kind: 'retry'; readonly again: Again; readonly error: JobError }
  /** The handler wants it later. Spends nothing. */
  | { readonly kind: 'snooze'; readonly again: Again }
  /** This worker cannot understand it; a newer one may. Spends nothing, notes since when. */
  | { readonly kind: 'hold'; readonly again: Again; readonly error: JobError }
  /** It failed for good. Kept for `keepMs`, null: until purged. */
  | { readonly kind: 'dead'; readonly error: JobError; readonly keepMs: number | null }
  /** It was given up by request. */
  | { readonly kind: 'cancelled'; readonly keepMs: number | null }
  /** Handed back, unharmed. */
  | { readonly kind: 'release' }
  /** It brought its worker down, which lived to say so. Counts a crash. */
  | { readonly kind: 'crash'; readonly error: JobError; readonly policy: CrashPolicy }

/** `followUps` answers for all follow-ups of the settlement, in order; empty when there were none. */
export type SettleResult =
  | { readonly status: 'ok'; readonly followUps: readonly EnqueueResult[] }
  | { readonly status: 'stale' }

export interface CrashPolicy {
  /** A job that crashed so often is dead-lettered as JOB_CRASHED. */
  readonly maxCrashes: number
  /** How long such a dead letter is kept; null: until purged. */
  readonly keepDeadMs: number | null
}
