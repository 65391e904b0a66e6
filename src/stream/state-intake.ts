import type { Grant } from './control.ts'
import { KeyEntry, PartitionStates, type KeyStates } from './key-states.ts'
import type { KeyTimers } from './key-timers.ts'
import { isFailed, isGone, stateBytes, type StateBatch } from './state-batch.ts'
import type { Ticks } from './state-packer.ts'

/** States that arrive for partitions that are not this worker's yet. */
export class StateIntake<State> {
  readonly #states: KeyStates<State>
  readonly #timers: KeyTimers<State>
  readonly #ticks: Ticks
  readonly #partitions = new Map<number, PartitionStates<State>>()
  /** Keys whose state could not be written where they come from. */
  readonly #failed = new Map<number, Set<string>>()

  constructor(states: KeyStates<State>, timers: KeyTimers<State>, ticks: Ticks) {
    this.#states = states
    this.#timers = timers
    this.#ticks = ticks
  }

  /** What comes later of a key takes the place of what came before. */
  take(batch: StateBatch): void {
    const number = batch.partition
    const partition = this.#partitions.get(number) ?? new PartitionStates<State>(number)
    this.#partitions.set(number, partition)
    for (const [index, key] of batch.keys.entries()) {
      this.#takeOne(partition, key, batch.sequences[index]!, stateBytes(batch, index))
    }
    for (const [index, name, dueAt] of batch.timers) {
      const entry = partition.keys.get(batch.keys[index]!)
      if (entry !== undefined) (entry.timers ??= new Map()).set(name, dueAt)
    }
  }

  /**
   * The partition is this worker's.
   * @param isSaved whether the store has its states already.
   * @returns the keys whose state could not be written where they come from.
   */
  adopt(grant: Grant, isSaved: boolean): { partition: PartitionStates<State>; failed: ReadonlySet<string> } {
    const number = grant.partition
    const partition = this.#partitions.get(number) ?? new PartitionStates<State>(number)
    const failed = this.#failed.get(number) ?? new Set<string>()
    this.discard(number)
    partition.restoredTo = grant.sequence
    partition.sequence = Math.max(grant.sequence, grant.handledTo)
    partition.replayUntil = grant.sequence
    partition.savedTo = grant.sequence
    partition.lost = grant.lost
    partition.savedTick = this.#ticks.now
    for (const entry of partition.keys.values()) {
      entry.tick = isSaved ? 0 : this.#ticks.now
      partition.replayUntil = Math.max(partition.replayUntil, entry.sequence)
    }
    this.#states.adopt(partition)
    for (const entry of partition.keys.values()) this.#timers.adopt(number, entry)
    return { partition, failed }
  }

  discard(partition: number): void {
    this.#partitions.delete(partition)
    this.#failed.delete(partition)
  }

  #takeOne(partition: PartitionStates<State>, key: string, sequence: number, bytes: Uint8Array): void {
    partition.keys.delete(key)
    this.#failed.get(partition.number)?.delete(key)
    if (isGone(bytes)) return
    const hasFailed = isFailed(bytes)
    if (hasFailed) {
      const failed = this.#failed.get(partition.number)
      if (failed === undefined) this.#failed.set(partition.number, new Set([key]))
      else failed.add(key)
    }
    // A state that nobody has, has no message in it. It stays as it came until its key is told.
    const at = hasFailed ? 0 : sequence
    const entry = new KeyEntry<State>(key, undefined as State, at, this.#ticks.now, performance.now())
    entry.packed = bytes
    partition.keys.set(key, entry)
  }
}
