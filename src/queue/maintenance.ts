/** The upkeep of a queue: what a worker asks for and what the store found. */
import type { CrashPolicy } from './settlement.ts'

export interface MaintainRequest extends CrashPolicy {
  readonly queue: string
  /**
   * The lease that this worker uses. When the queue was not maintained for longer than it, or never, nothing is
   * reaped until one such lease later, but for what had already run out when it was last maintained.
   */
  readonly leaseMs: number
  /** The types that the caller handles. */
  readonly types: readonly string[]
  /**
   * A type with jobs that can run, handled by nobody for so long, is dead-lettered as UNKNOWN_JOB_TYPE. Who names
   * a type handles it for one `leaseMs`. The time is counted from the first maintain that found such jobs, and
   * anew after a gap as above, so that the first worker to start does not bury what the others handle.
   */
  readonly unhandledGraceMs: number
  /** How many jobs one step may touch. */
  readonly limit: number
}

/** What became of jobs whose lease had expired or whose owner had died. */
export interface ReapReport {
  /** Only claimed: they wait again. */
  readonly returned: number
  /** Started: they count a crash, and wait again as suspects. */
  readonly crashed: readonly string[]
  /** Crashed too often: dead. */
  readonly dead: readonly string[]
}

export interface MaintainReport extends ReapReport {
  readonly promoted: number
  readonly removed: number
  /** Types with jobs that can run and that nobody has handled, and for how long. */
  readonly unhandled: readonly { readonly type: string; readonly forMs: number; readonly dead: number }[]
  /** The limit was reached: there is more to do at once. */
  readonly more: boolean
}
