import type { FromWorkerBody } from './control.ts'
import type { KeyStates, PartitionStates } from './key-states.ts'
import type { StatePacker, Ticks } from './state-packer.ts'

/** A round that took so little, ms, is close: while the rest is sent, nobody waits for long. */
const CLOSE_MS = 2
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
  readonly #post: (message: FromWorkerBody) => void
  readonly #copies = new Map<number, Copy<State>>()

  constructor(
    states: KeyStates<State>,
    packer: StatePacker<State>,
    ticks: Ticks,
    post: (message: FromWorkerBody) => void,
  ) {
    this.#states = states
    this.#packer = packer
    this.#ticks = ticks
    this.#post = post
  }

  async copy(id: number, number: number): Promise<void> {
    const partition = this.#states.get(number)
    if (partition === undefined) return
    const copy: Copy<State> = { id, partition, sinceTick: 0 }
    this.#copies.set(id, copy)
    partition.copies++
    for (let round = 0, stalls = 0, last = Infinity; round < MAX_ROUNDS; round++) {
      const tick = this.#ticks.next()
      const { count, busyMs } = await this.#packer.pack(
        partition,
        copy.sinceTick,
        (batch) => this.#post({ kind: 'states', id, batch }),
        () => this.#copies.has(id),
        SLICE_MS,
      )
      if (!this.#copies.has(id)) return
      copy.sinceTick = tick
      if (count >= last) stalls++
      if (busyMs <= CLOSE_MS || stalls > MAX_STALLS) break
      last = count
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
