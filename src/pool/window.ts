/** So sparse a ring does not grow: what has been in it for longest moves out of it. */
const SPARSE = 4

/**
 * Values by numbers that are given in rising order and mostly leave in that order, like a Map: but they lie in a ring,
 * so that nothing is hashed or allocated. The few that stay for long are kept aside, so that the ring stays small.
 */
export class Window<T> {
  #ring: (T | undefined)[] = Array.from({ length: 64 })
  readonly #aside = new Map<number, T>()
  /** Of the ring: the lowest number that may be in it, and the one after the highest. */
  #start = 0
  #end = 0
  #inRing = 0

  get size(): number {
    return this.#inRing + this.#aside.size
  }

  /** What has the lowest number. Not by an iterator: this is looked at before every message. */
  get first(): T | undefined {
    if (this.#aside.size > 0) for (const value of this.#aside.values()) return value
    return this.#inRing === 0 ? undefined : this.#ring[this.#start & (this.#ring.length - 1)]
  }

  /** `number` is above all that were added before. */
  add(number: number, value: T): void {
    while (this.#inRing > 0 && number - this.#start >= this.#ring.length) this.#makeRoom()
    if (this.#inRing === 0) this.#start = number
    this.#ring[number & (this.#ring.length - 1)] = value
    this.#end = number + 1
    this.#inRing++
  }

  get(number: number): T | undefined {
    if (number >= this.#end) return undefined
    return number >= this.#start ? this.#ring[number & (this.#ring.length - 1)] : this.#aside.get(number)
  }

  /** @returns what was there. */
  take(number: number): T | undefined {
    const value = this.get(number)
    if (value === undefined) return undefined
    if (number < this.#start) {
      this.#aside.delete(number)
      return value
    }
    this.#ring[number & (this.#ring.length - 1)] = undefined
    this.#inRing--
    if (number === this.#start) this.#skipGaps()
    return value
  }

  /** In the order of their numbers. What is taken meanwhile is left out. */
  *entries(): IterableIterator<[number, T]> {
    yield* this.#aside
    for (let number = this.#start; number < this.#end; number++) {
      const value = this.get(number)
      if (value !== undefined) yield [number, value]
    }
  }

  *numbers(): IterableIterator<number> {
    for (const [number] of this.entries()) yield number
  }

  *values(): IterableIterator<T> {
    for (const [, value] of this.entries()) yield value
  }

  #skipGaps(): void {
    if (this.#inRing === 0) {
      this.#start = this.#end
      return
    }
    const mask = this.#ring.length - 1
    while (this.#ring[this.#start & mask] === undefined) this.#start++
  }

  #makeRoom(): void {
    const old = this.#ring
    const mask = old.length - 1
    if (this.#inRing <= old.length / SPARSE) {
      this.#aside.set(this.#start, old[this.#start & mask]!)
      this.take(this.#start)
      return
    }
    this.#ring = Array.from({ length: old.length * 2 })
    for (let number = this.#start; number < this.#end; number++) {
      this.#ring[number & (this.#ring.length - 1)] = old[number & mask]
    }
  }
}
