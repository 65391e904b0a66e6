import { toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { SavedPartition, SnapshotStore } from './snapshot-store.ts'
import type { StateBatch } from './state-batch.ts'

/** Writes to the store in order, and reads from it behind what was written. */
export class SnapshotKeeper {
  readonly #store: SnapshotStore
  readonly #run: string
  readonly #logger: Logger
  /** What is to be written when there is time, by partition; before anything else is done with that. */
  readonly #deferred = new Map<number, { readonly batches: StateBatch[]; readonly sequence: number }>()
  /** Undefined when nothing is being written. */
  #last: Promise<void> | undefined
  /** Of these a write has failed: what the store has of them is not all there was. */
  readonly #broken = new Set<number>()

  constructor(store: SnapshotStore, run: string, logger: Logger) {
    this.#store = store
    this.#run = run
    this.#logger = logger
  }

  get run(): string {
    return this.#run
  }

  save(batch: StateBatch): void {
    this.#flush(batch.partition)
    this.#write(batch.partition, () => this.#store.save(this.#run, batch))
  }

  complete(partition: number, sequence: number): void {
    this.#flush(partition)
    this.#write(partition, () => {
      if (!this.#broken.has(partition)) return this.#store.complete(this.#run, partition, sequence)
    })
  }

  /** All of a partition as it was at a sequence: written piece by piece, so that nobody waits for it. */
  saveSoon(partition: number, batches: readonly StateBatch[], sequence: number): void {
    this.#flush(partition)
    this.#deferred.set(partition, { batches: [...batches], sequence })
    setImmediate(() => this.#saveSome(partition))
  }

  clear(partition: number): void {
    this.#deferred.delete(partition)
    this.#write(partition, () => this.#store.clear(partition))
  }

  /** What is written of it from now on is told by who has all that the store has. */
  async load(partition: number): Promise<SavedPartition | undefined> {
    this.#flush(partition)
    await this.#last
    this.#broken.delete(partition)
    try {
      return await this.#store.load(partition)
    } catch (thrown) {
      this.#logger.error({ err: toError(thrown), partition }, 'snapshots cannot be read: states begin anew')
      return undefined
    }
  }

  /** Resolves when all is written. */
  async settled(): Promise<void> {
    for (const partition of this.#deferred.keys()) this.#flush(partition)
    await this.#last
  }

  #saveSome(partition: number): void {
    const deferred = this.#deferred.get(partition)
    if (deferred === undefined) return
    const batch = deferred.batches.shift()
    if (batch === undefined) return this.#flush(partition)
    this.#write(partition, () => this.#store.save(this.#run, batch))
    setImmediate(() => this.#saveSome(partition))
  }

  #flush(partition: number): void {
    const deferred = this.#deferred.get(partition)
    if (deferred === undefined) return
    this.#deferred.delete(partition)
    for (const batch of deferred.batches) this.save(batch)
    this.complete(partition, deferred.sequence)
  }

  #write(partition: number, write: () => void | Promise<void>): void {
    if (this.#last !== undefined) {
      this.#chain(partition, this.#last.then(write))
      return
    }
    try {
      const pending = write()
      if (pending !== undefined) this.#chain(partition, pending)
    } catch (thrown) {
      this.#failed(partition, thrown)
    }
  }

  #chain(partition: number, pending: Promise<void>): void {
    const last: Promise<void> = pending
      .catch((thrown: unknown) => this.#failed(partition, thrown))
      .then(() => {
        if (this.#last === last) this.#last = undefined
      })
    this.#last = last
  }

  #failed(partition: number, thrown: unknown): void {
    this.#broken.add(partition)
    this.#logger.error(
      { err: toError(thrown), partition },
      'a snapshot cannot be written: should its worker die, its keys are told of a gap',
    )
  }
}
