import { backoffMs, type BackoffOptions } from '../../core/backoff.ts'
import { toError } from '../../core/errors.ts'
import { after } from '../../core/timer.ts'
import { BatchSize } from './batch-size.ts'
import type { LeaseTerm } from './lease-term.ts'
import type { Claim, ReadResult, ShardStore } from './shard-store.ts'
import type { Assignment, ShardStatus, SourceConsumer, SourceRecord } from './source.ts'
import type { CheckedSourceOptions } from './source-options.ts'

/** What happens to a shard, for who counts and tells. */
export interface ShardObserver {
  onRead(records: readonly SourceRecord[]): void
  onGap(shard: number, lost: number): void
  onError(error: Error): void
}

export interface HeldShardOptions {
  readonly claim: Claim
  readonly shards: number
  readonly store: Pick<ShardStore, 'read'>
  readonly consumer: SourceConsumer
  readonly term: LeaseTerm
  readonly options: CheckedSourceOptions
  readonly observer: ShardObserver
  /** The end of the time before, when this process owned it already. */
  readonly before: Promise<void> | undefined
}

const RETRY: BackoffOptions = { baseMs: 50, maxMs: 2_000, factor: 2, jitter: 'equal' }

/** One time of owning a shard: reads it from where it was committed, for as long as it is owned. */
export class HeldShard implements Assignment {
  readonly shard: number
  readonly shards: number
  readonly token: number
  readonly offset: string | null
  readonly #options: HeldShardOptions
  readonly #over = new AbortController()
  readonly #size: BatchSize
  readonly #reading: Promise<void>
  #state: ShardStatus['state'] = 'starting'
  #position: string | null
  #delayMs: number | null = null
  #isHinted = false
  #wake: (() => void) | undefined
  /** All up to it is done, as the consumer said. */
  done: string | null
  /** All up to it is done, as the server knows. */
  committed: string | null
  /** The server is told to end the lease, and what is done with it: nothing else is to be committed. */
  isReleased = false

  constructor(options: HeldShardOptions) {
    const { claim, shards } = options
    this.#options = options
    this.shard = claim.shard
    this.shards = shards
    this.token = claim.token
    this.offset = claim.offset
    this.#position = claim.offset
    this.done = claim.offset
    this.committed = claim.offset
    this.#size = new BatchSize(options.options.batchSize, options.options.batchBytes)
    this.#reading = this.#read()
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  get isDraining(): boolean {
    return this.#state === 'draining'
  }

  isHeld(): boolean | Promise<boolean> {
    if (this.#over.signal.aborted) return false
    return this.#options.term.holds || this.#regained()
  }

  /** There are new records, perhaps. */
  hint(): void {
    this.#isHinted = true
    this.#wake?.()
  }

  /** Reads no more; resolves when all that was read is done with, or when it is not owned any more. */
  async drain(): Promise<void> {
    this.#state = 'draining'
    this.#wake?.()
    await this.#reading
    if (this.signal.aborted) return
    try {
      await this.#options.consumer.drain(this)
    } catch (thrown) {
      this.#options.observer.onError(toError(thrown))
    }
  }

  /** It is not owned any more. */
  end(): void {
    this.#over.abort()
    this.#wake?.()
    this.#options.term.wake()
  }

  /** Resolves when nothing of it goes on. */
  ended(): Promise<void> {
    return this.#reading
  }

  status(): ShardStatus {
    const { shard, token, committed } = this
    return { shard, token, state: this.#state, position: this.#position, committed, delayMs: this.#delayMs }
  }

  get #goesOn(): boolean {
    return this.#state !== 'draining' && !this.signal.aborted
  }

  async #regained(): Promise<boolean> {
    const { term } = this.#options
    while (!this.signal.aborted && !term.holds) await term.next()
    return !this.signal.aborted
  }

  async #read(): Promise<void> {
    const { before, consumer, observer } = this.#options
    try {
      await before
      if (!this.#goesOn) return
      await consumer.assigned(this)
      if (this.#goesOn) this.#state = 'reading'
      while (this.#goesOn) await this.#turn()
    } catch (thrown) {
      observer.onError(toError(thrown))
    }
  }

  async #turn(): Promise<void> {
    const { consumer, observer } = this.#options
    const { limit } = this.#size
    this.#isHinted = false
    const result = await this.#ask(limit)
    // What may be another's by now is theirs to read.
    if (result === undefined || !(await this.isHeld()) || !this.#goesOn) return
    const { records, lost } = result
    if (lost > 0) {
      observer.onGap(this.shard, lost)
      await consumer.gap(this, lost)
    }
    const last = records.at(-1)
    if (last !== undefined) {
      this.#position = last.offset
      this.#size.note(records)
      this.#delayMs = Math.max(0, Date.now() - last.appendedAt)
      observer.onRead(records)
      await consumer.records(this, records)
    }
    if (records.length < limit) await this.#idle(this.#options.options.pollEvery)
  }

  /** Asks until there is an answer. */
  async #ask(limit: number): Promise<ReadResult | undefined> {
    const { store, observer } = this.#options
    for (let failures = 0; this.#goesOn; failures++) {
      if (!(await this.isHeld())) return undefined
      try {
        return await store.read(this.shard, this.#position, limit)
      } catch (thrown) {
        if (!this.#goesOn) return undefined
        observer.onError(toError(thrown))
        this.#isHinted = false
        await this.#idle(backoffMs(RETRY, failures))
      }
    }
    return undefined
  }

  /** Until a hint, the end, or that time is over. */
  #idle(ms: number): Promise<void> {
    if (this.#isHinted || !this.#goesOn) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel()
        this.#wake = undefined
        resolve()
      }
      const cancel = after(ms, wake)
      this.#wake = wake
    })
  }
}
