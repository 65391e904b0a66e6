import { MillhandError, toError } from '../../core/errors.ts'
import { partitionOf } from '../partition.ts'
import type { FeedTarget } from './feed-target.ts'
import { partitionsOf } from './shards.ts'
import type { Assignment, SourceConsumer, SourceRecord, StreamSource } from './source.ts'

export interface FeedConsumerOptions {
  readonly source: Pick<StreamSource, 'commit'>
  readonly target: FeedTarget
  /** The target can never take this record. */
  readonly onRefused: (record: SourceRecord, error: MillhandError) => void
  /** The target can take nothing more. */
  readonly onFailure: (error: Error) => void
}

/** What is known of a shard while it is owned. */
interface Progress {
  /** The last that was routed. */
  routed: string | null
  /** The last that is done with. */
  done: string | null
  confirming: Promise<void> | undefined
}

/** Routes what a source reads, and commits what is done with. */
export class FeedConsumer implements SourceConsumer {
  readonly #options: FeedConsumerOptions
  readonly #progress = new Map<Assignment, Progress>()
  /** States that are being dropped, by shard: who owns it next begins after that. */
  readonly #forgetting = new Map<number, Promise<void>>()
  #isClosed = false

  constructor(options: FeedConsumerOptions) {
    this.#options = options
  }

  /** Resolves when the states of all that was given up are dropped. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#forgetting.values())
  }

  async assigned(assignment: Assignment): Promise<void> {
    const { shard, shards, offset } = assignment
    await this.#forgetting.get(shard)
    this.#progress.set(assignment, { routed: offset, done: offset, confirming: undefined })
    // What others have handled has left its states with them.
    if (offset !== null)
      await this.#guarded(async () => this.#options.target.gap(partitionsOf(shard, shards), 'moved'))
  }

  async records(assignment: Assignment, records: readonly SourceRecord[]): Promise<void> {
    for (const record of records) {
      const full = this.#route(record)
      if (full === undefined) continue
      await full
      // It may have taken long.
      const isHeld = assignment.isHeld()
      if (isHeld !== true && !(await isHeld)) return
    }
    const progress = this.#progress.get(assignment)
    if (progress === undefined) return
    progress.routed = records.at(-1)!.offset
    progress.confirming ??= this.#confirm(assignment, progress)
  }

  async gap({ shard, shards }: Assignment): Promise<void> {
    await this.#guarded(async () => this.#options.target.gap(partitionsOf(shard, shards), 'lost'))
  }

  async drain(assignment: Assignment): Promise<void> {
    await this.#progress.get(assignment)?.confirming
  }

  removed(assignment: Assignment): void {
    // One that was never begun has left nothing.
    if (!this.#progress.delete(assignment)) return
    const { shard, shards } = assignment
    const { target } = this.#options
    const forgotten = this.#guarded(async () => {
      // What was routed of a lost one is handled still.
      await target.settled()
      await target.forget(partitionsOf(shard, shards))
    }).then(() => {
      if (this.#forgetting.get(shard) === forgotten) this.#forgetting.delete(shard)
    })
    this.#forgetting.set(shard, forgotten)
  }

  /** @returns undefined when the next one can be routed. */
  #route(record: SourceRecord): Promise<unknown> | undefined {
    const { target, onRefused } = this.#options
    try {
      return target.route(record.key, record.data)
    } catch (error) {
      if (!isRefusal(error)) throw this.#fail(error)
      onRefused(record, error)
      return this.#guarded(async () => target.gap([partitionOf(record.key)], 'lost'))
    }
  }

  /** Commits again and again, as long as there is something new that is done with. */
  async #confirm(assignment: Assignment, progress: Progress): Promise<void> {
    const { source, target } = this.#options
    await this.#guarded(async () => {
      while (progress.done !== progress.routed && this.#progress.has(assignment)) {
        const { routed } = progress
        await target.settled()
        progress.done = routed
        source.commit(assignment, routed!)
      }
    })
    progress.confirming = undefined
  }

  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(thrown: unknown): Error {
    const error = toError(thrown)
    if (!this.#isClosed) this.#options.onFailure(error)
    return error
  }
}

/** Of this message alone; the next one may be fine. */
function isRefusal(error: unknown): error is MillhandError {
  return (
    error instanceof MillhandError && (error.code === 'PAYLOAD_TOO_LARGE' || error.code === 'INVALID_OPTION')
  )
}
