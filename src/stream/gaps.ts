/** With more keys than this that had drops at a time, it is only said of their partitions. */
const MOST_KEYS = 10_000

/** Messages that were dropped, until their worker is told. */
export interface Dropped {
  readonly partition: number
  /** Empty: of any key of the partition. */
  readonly key: string
  readonly count: number
}

/** What was dropped by key, in a bounded amount of memory. */
export class Gaps {
  readonly #byKey = new Map<string, Dropped>()
  readonly #byPartition = new Map<number, Dropped>()

  get size(): number {
    return this.#byKey.size + this.#byPartition.size
  }

  note(partition: number, key: string, count = 1): void {
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      this.#byKey.set(key, { partition, key, count: known.count + count })
    } else if (key !== '' && this.#byKey.size < MOST_KEYS) {
      this.#byKey.set(key, { partition, key, count })
    } else {
      const all = this.#byPartition.get(partition)?.count ?? 0
      this.#byPartition.set(partition, { partition, key: '', count: all + count })
    }
  }

  /** Hands over each, until `take` says false: that one and those behind it stay. @returns true when none is left. */
  drain(take: (dropped: Dropped) => boolean): boolean {
    for (const dropped of this.#byKey.values()) {
      if (!take(dropped)) return false
      this.#byKey.delete(dropped.key)
    }
    for (const dropped of this.#byPartition.values()) {
      if (!take(dropped)) return false
      this.#byPartition.delete(dropped.partition)
    }
    return true
  }
}
