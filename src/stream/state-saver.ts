import type { FromWorkerBody } from './control.ts'
import type { KeyStates, PartitionStates } from './key-states.ts'
import type { StateBatch } from './state-batch.ts'
import type { StatePacker, Ticks } from './state-packer.ts'
import type { StreamSettings } from './stream-settings.ts'
import type { Tally } from './worker-stats.ts'

/** So long the loop is kept at a time, ms. */
const SLICE_MS = 1
/** Partitions that are looked at without a pause. */
const STEP = 64

/** Sends what has changed to the store of the group, every so often. */
export class StateSaver<State> {
  readonly #states: KeyStates<State>
  readonly #packer: StatePacker<State>
  readonly #ticks: Ticks
  readonly #tally: Tally
  readonly #settings: StreamSettings
  readonly #post: (message: FromWorkerBody) => void
  #timer: NodeJS.Timeout | undefined
  #isSaving = false
  #isClosed = false
  #savedAt = 0

  constructor(parts: {
    readonly states: KeyStates<State>
    readonly packer: StatePacker<State>
    readonly ticks: Ticks
    readonly tally: Tally
    readonly settings: StreamSettings
    readonly post: (message: FromWorkerBody) => void
  }) {
    this.#states = parts.states
    this.#packer = parts.packer
    this.#ticks = parts.ticks
    this.#tally = parts.tally
    this.#settings = parts.settings
    this.#post = parts.post
  }

  start(): void {
    if (!this.#settings.snapshots) return
    this.#timer = setInterval(() => void this.#saveAll(), this.#settings.snapshotEveryMs)
  }

  /** To be called now and then: saves when so many messages have come. */
  look(): void {
    const { snapshots, snapshotAfter } = this.#settings
    if (snapshots && this.#tally.messagesProcessed - this.#savedAt >= snapshotAfter) void this.#saveAll()
  }

  /** Saves all that has changed at once; no handler runs any more. */
  close(): void {
    clearInterval(this.#timer)
    this.#isClosed = true
    if (!this.#settings.snapshots) return
    for (const partition of this.#states.partitions()) {
      const since = partition.savedTick
      partition.savedTick = this.#ticks.next()
      this.#packer.packNow(partition, since, (batch) => this.#send(batch))
      this.#mark(partition, partition.doneUpTo)
    }
  }

  /** Saves nothing any more. */
  abandon(): void {
    clearInterval(this.#timer)
    this.#isClosed = true
  }

  async #saveAll(): Promise<void> {
    if (this.#isSaving || this.#isClosed) return
    this.#isSaving = true
    this.#savedAt = this.#tally.messagesProcessed
    let looked = 0
    for (const partition of this.#states.partitions()) {
      if (++looked % STEP === 0) await new Promise((resolve) => void setImmediate(resolve))
      if (this.#isClosed) break
      await this.#save(partition)
    }
    this.#isSaving = false
  }

  async #save(partition: PartitionStates<State>): Promise<void> {
    const isMine = (): boolean => !this.#isClosed && this.#states.get(partition.number) === partition
    if (!isMine()) return
    const [since, sequence, tick] = [partition.savedTick, partition.doneUpTo, this.#ticks.next()]
    const { isComplete } = await this.#packer.pack(
      partition,
      since,
      (batch) => this.#send(batch),
      isMine,
      SLICE_MS,
    )
    if (!isMine()) return
    partition.savedTick = tick
    if (partition.copies === 0) {
      for (const [key, goneAt] of partition.gone) if (goneAt < tick) partition.gone.delete(key)
    }
    if (isComplete) this.#mark(partition, sequence)
  }

  #mark(partition: PartitionStates<State>, sequence: number): void {
    if (sequence === partition.savedTo) return
    partition.savedTo = sequence
    this.#post({ kind: 'saved', partition: partition.number, sequence })
  }

  #send(batch: StateBatch): void {
    this.#tally.saved += batch.keys.length
    this.#post({ kind: 'snapshot', batch })
  }
}
