import type { WireError } from '../core/wire-error.ts'

/**
 * What a pool and its workers say to each other. Tasks and results travel in flat arrays, several to a message,
 * since it is messages that cost, and objects inside them, not words. These arrays are the message: each property of
 * an object takes longer to copy than a word, and one task alone is kept waiting for it.
 *
 * Each task sent to a worker has the next number of that worker. A worker begins with number n by moving its
 * cursor, which is memory that both share, from n or below to n + 1; the pool recalls everything that has not
 * begun by moving the cursor beyond the last number sent. Whoever moves it first has the task, so that a task is
 * begun here or run elsewhere, never both, even if one of the two is blocked or dies.
 */
export type ToWorker =
  | TaskWords
  | { readonly kind: 'boot'; readonly boot: PoolBoot }
  | { readonly kind: 'abort'; readonly number: number; readonly reason: WireError }
  /** The reader of a stream wants so many more values. */
  | { readonly kind: 'more'; readonly number: number; readonly count: number }
  /** Say a word, and give back what is below `end` and has not begun: 0 where the line can recall. */
  | { readonly kind: 'recall'; readonly end: number }
  | { readonly kind: 'close' }

/**
 * Tasks with the numbers from `first` on: `first * BACKLOGS + backlog`, and then of each these words: which function
 * (its place among the names that the worker has told) and kind of call, as `place * KINDS + kind`; how many arguments;
 * the arguments. With a `backlog` of 1 more tasks wait at the pool than it has sent: results may come in fewer, larger
 * messages.
 */
export type TaskWords = unknown[]
export const BACKLOGS = 2

/** The kind of a call: its result is one value, or a stream of them. */
export const CALL = 0
export const STREAM = 1
export const KINDS = 2

/** How many values a worker may be ahead of the reader of a stream. */
export const STREAM_AHEAD = 16

/**
 * Of each result these words: the number of the task and the outcome, as `number * OUTCOMES + outcome`; value or error;
 * microseconds.
 */
export type ResultWords = unknown[]
export const RESULT_WORDS = 3

/** The outcome of a result: a value, an error, or one value of a stream that goes on. */
export const DONE = 0
export const FAILED = 1
export const YIELDED = 2
export const OUTCOMES = 4

/** Results are in the memory that a thread shares. */
export const LEFT = 0

export type FromWorker =
  | ResultWords
  | typeof LEFT
  /** It has loaded its module, and its setup is done. */
  | { readonly kind: 'ready'; readonly names: readonly string[] }
  /** Its module cannot be loaded, its setup or teardown threw, or nobody caught an error: it ends. */
  | { readonly kind: 'failed'; readonly error: WireError }
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
