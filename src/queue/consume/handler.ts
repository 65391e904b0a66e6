import type { Duration } from '../../core/duration.ts'
import type { Logger } from '../../core/logger.ts'
import type { AddOptions } from '../add-options.ts'
import type { Queue } from '../queue.ts'
import type { JobSchemas, PayloadIn, PayloadOut, TypeOf } from '../schema.ts'

/** A job as its handler sees it. */
export interface Job<T extends string = string, P = unknown> {
  readonly id: string
  readonly type: T
  /** What the schema made of the stored payload, with its defaults and transforms. */
  readonly payload: P
  /** Which attempt this is; 1 for the first. */
  readonly attempt: number
  /** How many attempts failed before this one. */
  readonly retryCount: number
  readonly maxRetries: number
  readonly priority: number
  readonly createdAt: Date
  /** What it belongs to: given at `add`, inherited from the job that it follows, or its own id. */
  readonly correlationId: string
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  /** The fencing token of this claim. Hand it to what you write to, to refuse a writer whose claim is over. */
  readonly token: string
  /**
   * Settles the job as done, with its follow-ups, in a transaction of your own in the database that its store is in:
   * once you commit, your effects and the end of the job are there together, exactly once. Without the commit neither
   * is, and the attempt has failed, also when the handler returns. Call it last, then commit, then return.
   * @param transaction your client in its open transaction; which, the store says: a SQLite client, a pg client.
   * @param result kept when the queue keeps done jobs; what the handler returns then is not looked at.
   * @throws LeaseLostError when the job is not yours any more: roll back.
   * @throws UnsupportedError when the store takes part in no transactions.
   */
  complete(transaction: unknown, result?: unknown): Promise<void>
}

/**
 * A job of a queue, of any of its types: `JobOf<typeof mail>`. Its `type` tells which it is, and so what its
 * payload is.
 */
export type JobOf<Q> =
  Q extends Queue<infer S> ? { [T in TypeOf<S>]: Job<T, PayloadOut<S, T>> }[TypeOf<S>] : never

/** What a handler can do besides working. Its members can be destructured. */
export interface JobContext {
  /** Aborts on cancel, timeout, lost lease and forced shutdown; its reason says which. */
  readonly signal: AbortSignal
  /** Logs with the id and type of the job. */
  readonly logger: Logger
  /** Notes how far the job is; any JSON. Written a few times a second at the most, the last value wins. */
  readonly progress: (value: unknown) => void
  /** `return snooze('10m')`: the job runs again after that time; no attempt is spent. */
  readonly snooze: (delay: Duration) => Later
  /** `return retryAt(date)`: the job runs again at that time; no attempt is spent. */
  readonly retryAt: (time: Date) => Later
  /**
   * Adds a job, here or to another queue of the same backend, when this one succeeds: both or neither. It is
   * checked at once. Resolves with its id; a handler that only wants it done need not wait.
   * @throws InvalidOptionError when the other queue has another backend.
   */
  readonly followUp: <S extends JobSchemas, T extends TypeOf<S>>(
    queue: Queue<S>,
    type: T,
    payload: PayloadIn<S, T>,
    options?: AddOptions,
  ) => Promise<string>
}

/** What `snooze` and `retryAt` make; it is returned, or thrown, by the handler. */
export class Later {
  readonly again: { readonly delayMs: number } | { readonly runAt: number }

  constructor(again: Later['again']) {
    this.again = again
  }
}

/** Works on one job. Its result is kept when the queue keeps done jobs; what it throws is a failed attempt. */
export type Handler<T extends string = string, P = unknown> = (job: Job<T, P>, context: JobContext) => unknown
