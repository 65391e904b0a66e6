import type { Handlers } from './handlers.ts'
import type { KeyEntry, PartitionStates } from './key-states.ts'
import { BatchWriter, type StateBatch } from './state-batch.ts'
import type { StreamHooks } from './stream-hooks.ts'

/** A number that grows each time that states are begun to be saved or copied: what was touched since can be told. */
export class Ticks {
  now = 1

  next(): number {
    return ++this.now
  }
}

const SLICE_BYTES = 256 * 1024

/** What was packed of a partition. */
export interface Packed {
  /** How many states there were. */
  readonly count: number
  /** What it took, without what others did meanwhile, ms. */
  readonly busyMs: number
  /** False when a key was left out, since its handler was running. */
  readonly isComplete: boolean
}

/** Writes the states of a partition that were touched lately into batches. */
export class StatePacker<State> {
  readonly #hooks: StreamHooks<State>
  readonly #handlers: Handlers<State>
  readonly #ticks: Ticks

  constructor(hooks: StreamHooks<State>, handlers: Handlers<State>, ticks: Ticks) {
    this.#hooks = hooks
    this.#handlers = handlers
    this.#ticks = ticks
  }

  /** In slices of so many ms: other things happen between them, and what they touch belongs to the next time. */
  async pack(
    partition: PartitionStates<State>,
    sinceTick: number,
    post: (batch: StateBatch) => void,
    isWanted: () => boolean,
    sliceMs: number,
  ): Promise<Packed> {
    const writer = new BatchWriter(partition.number)
    let [count, isComplete, busyMs, sliceAt] = [0, true, 0, performance.now()]
    for (const entry of partition.keys.values()) {
      if (entry.tick < sinceTick) continue
      count++
      if (entry.inHand > 0) {
        entry.tick = this.#ticks.now
        isComplete = false
        continue
      }
      this.#add(writer, entry)
      if (writer.bytes < SLICE_BYTES && performance.now() < sliceAt + sliceMs) continue
      post(writer.take())
      busyMs += performance.now() - sliceAt
      await new Promise((resolve) => void setImmediate(resolve))
      if (!isWanted()) return { count, busyMs, isComplete: false }
      sliceAt = performance.now()
    }
    count += addGone(writer, partition, sinceTick)
    if (writer.count > 0) post(writer.take())
    return { count, busyMs: busyMs + performance.now() - sliceAt, isComplete }
  }

  /** All at once. */
  packNow(partition: PartitionStates<State>, sinceTick: number, post: (batch: StateBatch) => void): void {
    const writer = new BatchWriter(partition.number)
    for (const entry of partition.keys.values()) {
      if (entry.tick >= sinceTick) this.#add(writer, entry)
      if (writer.bytes >= SLICE_BYTES) post(writer.take())
    }
    addGone(writer, partition, sinceTick)
    if (writer.count > 0) post(writer.take())
  }

  #add(writer: BatchWriter, entry: KeyEntry<State>): void {
    const { key, sequence, state, timers, packed } = entry
    if (packed !== undefined) return writer.addPacked(key, sequence, packed, timers)
    try {
      writer.add(key, sequence, this.#hooks.snapshot(key, state), timers)
    } catch (thrown) {
      this.#handlers.failed(thrown, key, 0)
      writer.addFailed(key, sequence)
    }
  }
}

function addGone(writer: BatchWriter, partition: PartitionStates<unknown>, sinceTick: number): number {
  let count = 0
  for (const [key, tick] of partition.gone) {
    if (tick < sinceTick) continue
    writer.add(key, partition.sequence, undefined)
    count++
  }
  return count
}
