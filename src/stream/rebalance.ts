import { ShutdownError } from '../core/errors.ts'
import { settledWithin } from '../core/sleep.ts'
import type { GroupSlot } from './group-slot.ts'
import type { Mover } from './mover.ts'
import type { Ownership } from './ownership.ts'

/** Hand-overs that go on at a time. */
const MOVES = 4
/** The wait before a partition that could not be moved is moved again, ms. */
const AGAIN_MS = 50

export interface RebalanceOptions {
  readonly ownership: Ownership
  readonly mover: Mover
  readonly slots: ReadonlyMap<number, GroupSlot>
  /** Resolves when the group has ended. */
  readonly ended: () => Promise<void>
  /** False when the group stops. */
  readonly isOpen: () => boolean
  readonly onMoved: (partition: number) => void
}

/** Moves partitions to where they belong, some at a time, each as often as it takes. */
export class Rebalance {
  readonly #options: RebalanceOptions

  constructor(options: RebalanceOptions) {
    this.#options = options
  }

  /** @throws ShutdownError when the group stops meanwhile. */
  async run(wanted: ReadonlyMap<number, number>): Promise<void> {
    const left = wanted.entries()
    const work = async (): Promise<void> => {
      for (let next = left.next(); next.done !== true; next = left.next()) await this.#move(...next.value)
    }
    await Promise.all(Array.from({ length: MOVES }, work))
  }

  async #move(partition: number, to: number): Promise<void> {
    const { ownership, mover, slots, ended, isOpen, onMoved } = this.#options
    for (;;) {
      const from = slots.get(ownership.owner(partition))
      const target = slots.get(to)
      if (from === undefined || target === undefined || from === target) return
      if (!isOpen()) throw new ShutdownError('the group stops: not all partitions are where they belong')
      if (await mover.move(partition, from, target)) return onMoved(partition)
      await Promise.race([Promise.all([from.live(), target.live()]), ended()])
      await settledWithin(ended(), AGAIN_MS)
    }
  }
}
