import type { QueueOptions } from 'millhand'

export const QUEUE = 'chaos'

/** The payload of a job. */
export interface Work {
  readonly n: number
  /** How long its handler works. */
  readonly ms: number
  /** For how long it lets nothing else in its process run, before that. */
  readonly blockMs?: number
  /** Makes it as large as a case needs. */
  readonly ballast?: string
}

/** What a worker process is started with. */
export interface WorkerSettings {
  /** Of the store. */
  readonly url: string
  /** The folder of the ledgers. */
  readonly ledgers: string
  /**
   * Whether a job is on the disk in its ledger before it is done for the queue. Without that a ledger outlives its
   * process as well, but not the machine; and who waits for the disk is the store alone.
   */
  readonly durableLedgers: boolean
  /** Counts the worker processes of a trial. */
  readonly life: number
  readonly concurrency: number
  readonly leaseMs: number
}

/** The same in every process. */
export const queueOptions = {
  // A job can be hit again and again by bad luck; that is no reason to bury it, and here nobody is to blame.
  maxCrashes: 1000,
  // The referee asks the queue for every job at the end, however far a clock was moved.
  retention: { done: '30d' },
} as const satisfies Partial<QueueOptions<never>>

const PREFIX = 'job-'

export function jobId(n: number): string {
  return `${PREFIX}${n}`
}

export function jobNumber(id: string): number {
  return Number(id.slice(PREFIX.length))
}
