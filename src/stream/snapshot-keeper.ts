import { toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { SavedPartition, SnapshotStore } from './snapshot-store.ts'
import type { StateBatch } from './state-batch.ts'

/** Writes to the store in order, and reads from it behind what was written. */
export class SnapshotKeeper {
  readonly #store: SnapshotStore
  readonly #run: string
  readonly #logger: Logger
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
    this.#write(batch.partition, () => this.#store.save(this.#run, batch))
  }

  complete(partition: number, sequence: number): void {
    this.#write(partition, () => {
      if (!this.#broken.has(partition)) return this.#store.complete(this.#run, partition, sequence)
    })
  }

  clear(partition: number): void {
    this.#write(partition, () => this.#store.clear(partition))
  }

  /** What is written of it from now on is told by who has all that the store has. */
  async load(partition: number): Promise<SavedPartition | undefined> {
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
    await this.#last
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
