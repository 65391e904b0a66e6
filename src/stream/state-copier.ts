import { settledWithin } from '../core/sleep.ts'
import type { FromWorkerBody } from './control.ts'
import type { KeyStates, PartitionStates } from './key-states.ts'
import type { StatePacker, Ticks } from './state-packer.ts'

/** What takes so little, ms, is close: while it is sent, nobody waits for long. */
const CLOSE_MS = 2
/** Between two rounds, so long is waited at most until what came meanwhile is handled, ms. */
const CATCH_UP_MS = 50
/** Under a load that changes states about as fast as they are copied, it hardly gets closer. */
const MAX_ROUNDS = 12
/** So many rounds may bring it no closer. */
const MAX_STALLS = 2
/** Longer than those of a snapshot, ms: what changes during a round has to be copied again. */
const SLICE_MS = 4

interface Copy<State> {
  readonly id: number
  readonly partition: PartitionStates<State>
  /** What was touched since is not in the copy. */
  sinceTick: number
}

/**
 * Hands partitions to other slots: copies their states while they go on changing, round after round only what has
 * changed since the one before, then, at the barrier, the rest. What was released is kept until the group says that
 * it has arrived.
 */
export class StateCopier<State> {
  readonly #states: KeyStates<State>
  readonly #packer: StatePacker<State>
  readonly #ticks: Ticks
  readonly #caughtUp: () => Promise<void>
  readonly #post: (message: FromWorkerBody) => void
  readonly #copies = new Map<number, Copy<State>>()

  /** @param caughtUp resolves when all messages that have come are handled. */
  constructor(
    states: KeyStates<State>,
    packer: StatePacker<State>,
    ticks: Ticks,
    caughtUp: () => Promise<void>,
    post: (message: FromWorkerBody) => void,
  ) {
    this.#states = states
    this.#packer = packer
    this.#ticks = ticks
    this.#caughtUp = caughtUp
    this.#post = post
  }

  async copy(id: number, number: number): Promise<void> {
    const partition = this.#states.get(number)
    if (partition === undefined) return
    const copy: Copy<State> = { id, partition, sinceTick: 0 }
    this.#copies.set(id, copy)
    partition.copies++
    for (let round = 0, stalls = 0, last = Infinity; round < MAX_ROUNDS && stalls <= MAX_STALLS; round++) {
      const tick = this.#ticks.next()
      const { count, busyMs } = await this.#packer.pack(
        partition,
        copy.sinceTick,
        (batch) => this.#post({ kind: 'states', id, batch }),
        () => this.#copies.has(id),
        SLICE_MS,
      )
      copy.sinceTick = tick
      // What has come meanwhile changes states, too, before the barrier does.
      await settledWithin(this.#caughtUp(), CATCH_UP_MS)
      if (!this.#copies.has(id)) return
      const left = changedSince(partition, tick)
      if (left * (busyMs / Math.max(1, count)) <= CLOSE_MS) break
      if (left >= last) stalls++
      last = left
    }
    this.#post({ kind: 'copied', id })
  }

  /** What is copied under this number. */
  partition(id: number): PartitionStates<State> | undefined {
    return this.#copies.get(id)?.partition
  }

  /** All that came before the barrier is done. */
  release(id: number): void {
    const copy = this.#copies.get(id)
    // The group has thought better of it.
    if (copy === undefined) return
    const { partition, sinceTick } = copy
    this.#packer.packNow(partition, sinceTick, (batch) => this.#post({ kind: 'states', id, batch }))
    const { sequence, lost } = partition
    this.#post({ kind: 'released', id, sequence, lost })
  }

  /** The partition stays here, or is gone from here. */
  end(id: number): void {
    const copy = this.#copies.get(id)
    if (copy === undefined) return
    copy.partition.copies--
    this.#copies.delete(id)
  }
}

/** How many states were touched since a tick. */
function changedSince(partition: PartitionStates<unknown>, tick: number): number {
  let count = 0
  for (const entry of partition.keys.values()) if (entry.tick >= tick) count++
  for (const goneAt of partition.gone.values()) if (goneAt >= tick) count++
  return count
}
