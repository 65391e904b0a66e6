import { backoffMs, type BackoffOptions } from '../../../core/backoff.ts'
import { BackendError, toError } from '../../../core/errors.ts'
import { sleep } from '../../../core/sleep.ts'
import type { Outgoing } from './records.ts'

export interface ShardLineOptions {
  /** Appends a batch; by its number it is stored once, however often it is sent. */
  readonly append: (batch: readonly Outgoing[], sequence: number) => Promise<void>
  readonly batchSize: number
  readonly batchBytes: number
  /** So many records, of so many bytes, are not waiting any more. */
  readonly onEnd: (records: number, bytes: number) => void
  /** Aborts when nothing is to be tried any more. */
  readonly signal: AbortSignal
}

/** Records that go together, and who waits for them. */
class Batch {
  readonly records: Outgoing[] = []
  bytes = 0
  readonly end: PromiseWithResolvers<void> = Promise.withResolvers()
}

const RETRY: BackoffOptions = { baseMs: 50, maxMs: 2_000, factor: 2, jitter: 'equal' }

/** What is to be appended to one shard: one batch is on its way, and what comes meanwhile goes with the next. */
export class ShardLine {
  readonly #options: ShardLineOptions
  /** Those that wait; records are added to the last. */
  readonly #batches: Batch[] = []
  /** The one that is on its way. */
  #sent: Batch | undefined
  #isSending = false
  #sequence = 0

  constructor(options: ShardLineOptions) {
    this.#options = options
  }

  /** Resolves when the server has it. */
  add(record: Outgoing): Promise<void> {
    const { batchSize, batchBytes } = this.#options
    let batch = this.#batches.at(-1)
    const isFull =
      batch !== undefined && (batch.records.length >= batchSize || batch.bytes + record.bytes > batchBytes)
    if (batch === undefined || isFull) this.#batches.push((batch = new Batch()))
    batch.records.push(record)
    batch.bytes += record.bytes
    if (!this.#isSending) {
      this.#isSending = true
      // What else this tick brings goes along.
      setImmediate(() => void this.#send())
    }
    return batch.end.promise
  }

  /** Resolves when all that was given before has its end; rejects when some of it could not be stored. */
  async flush(): Promise<void> {
    const sent = this.#sent === undefined ? [] : [this.#sent]
    await Promise.all([...sent, ...this.#batches].map(({ end }) => end.promise))
  }

  async #send(): Promise<void> {
    for (;;) {
      const batch = this.#batches.shift()
      this.#sent = batch
      if (batch === undefined) break
      const failure = await this.#store(batch)
      this.#options.onEnd(batch.records.length, batch.bytes)
      if (failure === undefined) batch.end.resolve()
      else batch.end.reject(failure)
    }
    this.#isSending = false
  }

  /** Tries until it is stored, or why it will not be. */
  async #store({ records }: Batch): Promise<Error | undefined> {
    const { append, signal } = this.#options
    const sequence = ++this.#sequence
    for (let failures = 0; ; failures++) {
      if (signal.aborted) return toError(signal.reason)
      try {
        await append(records, sequence)
        return undefined
      } catch (thrown) {
        const error = toError(thrown)
        if (!(error instanceof BackendError) || !error.retryable) return error
        await sleep(backoffMs(RETRY, failures), signal)
      }
    }
  }
}
