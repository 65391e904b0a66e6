import type { Gap } from './gap.ts'
import { PARTITIONS } from './partition.ts'
import { rendezvous } from './rendezvous.ts'

/** Which slot has which partition, and of which partitions something is lost. */
export class Ownership {
  readonly #owners = new Int32Array(PARTITIONS).fill(-1)
  readonly #lost: (Gap['reason'] | undefined)[] = []

  /** -1 for none. */
  owner(partition: number): number {
    return this.#owners[partition]!
  }

  of(slot: number): number[] {
    return [...this.#owners.keys()].filter((partition) => this.#owners[partition] === slot)
  }

  own(partition: number, slot: number, lost: Gap['reason'] | undefined): void {
    this.#owners[partition] = slot
    this.#lost[partition] = lost
  }

  lost(partition: number): Gap['reason'] | undefined {
    return this.#lost[partition]
  }

  lose(partition: number, reason: Gap['reason']): void {
    this.#lost[partition] = reason
  }

  /** The partitions that are to move so that these slots have all, each with where to. */
  wanted(slots: readonly number[]): Map<number, number> {
    const wanted = new Map<number, number>()
    for (const [partition, slot] of rendezvous(slots).entries()) {
      if (this.#owners[partition] !== slot) wanted.set(partition, slot)
    }
    return wanted
  }
}
