import type { WireError } from '../core/wire-error.ts'

/**
 * What a pool and its workers say to each other. Tasks and results travel in flat arrays, several to a message,
 * since it is messages that cost, and objects inside them, not words.
 *
 * Each task sent to a worker has the next number of that worker. A worker begins with number n by moving its
 * cursor, which is memory that both share, from n or below to n + 1; the pool recalls everything that has not
 * begun by moving the cursor beyond the last number sent. Whoever moves it first has the task, so that a task is
 * begun here or run elsewhere, never both, even if one of the two is blocked or dies.
 */
export type ToWorker =
  | { readonly kind: 'boot'; readonly boot: PoolBoot }
  /** number, name of the function, arguments, kind of call; and so on. */
  | { readonly kind: 'tasks'; readonly tasks: unknown[] }
  | { readonly kind: 'abort'; readonly number: number; readonly reason: WireError }
  /** The reader of a stream wants so many more values. */
  | { readonly kind: 'more'; readonly number: number; readonly count: number }
  /** Say a word, and give back what is below `end` and has not begun: 0 where the line can recall. */
  | { readonly kind: 'recall'; readonly end: number }
  | { readonly kind: 'close' }

/** How many words of a `tasks` message make one task, and of a `results` message one result. */
export const TASK_WORDS = 4
export const RESULT_WORDS = 4

/** The kind of a call: its result is one value, or a stream of them. */
export const CALL = 0
export const STREAM = 1

/** How many values a worker may be ahead of the reader of a stream. */
export const STREAM_AHEAD = 16

/** The outcome of a result: a value, an error, or one value of a stream that goes on. */
export const DONE = 0
export const FAILED = 1
export const YIELDED = 2

export type FromWorker =
  /** It has loaded its module, and its setup is done. */
  | { readonly kind: 'ready'; readonly names: readonly string[] }
  /** Its module cannot be loaded, its setup or teardown threw, or nobody caught an error: it ends. */
  | { readonly kind: 'failed'; readonly error: WireError }
  /** number, outcome, value or error, microseconds; and so on. */
  | { readonly kind: 'results'; readonly results: unknown[] }
  /** An abort was heard: the event loop runs. */
  | { readonly kind: 'heard'; readonly number: number }
  /** Recalled: what is from `from` to below `end` will not be begun. */
  | { readonly kind: 'returned'; readonly from: number; readonly end: number }
  | { readonly kind: 'progress'; readonly number: number; readonly progress: unknown }
  | { readonly kind: 'usage'; readonly memoryBytes: number; readonly utilization: number }
  | { readonly kind: 'closed' }

export interface PoolBoot {
  readonly module: string
  readonly workerData: unknown
  /** How many tasks it may have begun and not ended. */
  readonly concurrency: number
  /** How often it says what it uses, ms. */
  readonly usageMs: number
}
