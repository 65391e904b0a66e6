/** What one worker of a stream has done in its present life. */
export interface WorkerStats {
  /** Messages whose handler succeeded. */
  readonly messagesProcessed: number
  /** Messages whose handler threw, or was given up; none of them is counted as processed too. */
  readonly errors: number
  /** Gaps that keys were told of. */
  readonly gaps: number
  readonly queries: number
  readonly timers: number
  /** Keys that were evicted. */
  readonly evicted: number
  /** Messages that were in a restored state already and were skipped. */
  readonly replayed: number
  /** States that were saved. */
  readonly saved: number
  /** Time spent in handling messages, ms. */
  readonly processingTimeMs: number
  /** A message, microseconds; 0 if there was none. */
  readonly avgProcessingTimeUs: number
  /** When a message was handled last, ms since the epoch; undefined if none was. */
  readonly lastMessageTs: number | undefined
  /** Keys that have a state. */
  readonly keys: number
  /** Handlers that run or wait for their turn. */
  readonly inHand: number
  /** Of a thread its heap, of a process its resident set. */
  readonly memoryUsageBytes: number
  /** When this was written, ms since the epoch. */
  readonly at: number
}

/** Counts as they grow; plain fields, since one of them is written with each message. */
export class Tally {
  messagesProcessed = 0
  errors = 0
  gaps = 0
  queries = 0
  timers = 0
  evicted = 0
  replayed = 0
  saved = 0
  processingTimeMs = 0
  lastMessageTs: number | undefined

  stats(now: { readonly keys: number; readonly inHand: number; readonly isProcess: boolean }): WorkerStats {
    const { messagesProcessed, errors, gaps, queries, timers, evicted, replayed, saved } = this
    const { processingTimeMs, lastMessageTs } = this
    const handled = messagesProcessed + errors
    const memory = process.memoryUsage()
    return {
      ...{ messagesProcessed, errors, gaps, queries, timers, evicted, replayed, saved },
      ...{ processingTimeMs, lastMessageTs, keys: now.keys, inHand: now.inHand, at: Date.now() },
      avgProcessingTimeUs: handled === 0 ? 0 : (processingTimeMs * 1000) / handled,
      memoryUsageBytes: now.isProcess ? memory.rss : memory.heapUsed + memory.arrayBuffers,
    }
  }
}
