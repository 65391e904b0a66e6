/** A queue with two ends in a ring of a power of two: every operation takes constant time, and nothing is shifted. */
export class Deque<T> {
  #ring: (T | undefined)[] = Array.from({ length: 16 })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(value: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = value
  }

  unshift(value: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#ring.length - 1)
    this.#ring[this.#head] = value
    this.#size++
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const value = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    return value
  }

  /** The first, which stays. */
  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head]
  }

  /** Takes out what does not pass, in place. @returns what was taken out. */
  reject(isRejected: (value: T) => boolean): T[] {
    const rejected: T[] = []
    const kept: T[] = []
    for (let value = this.shift(); value !== undefined; value = this.shift()) {
      if (isRejected(value)) rejected.push(value)
      else kept.push(value)
    }
    for (const value of kept) this.push(value)
    return rejected
  }

  #grow(): void {
    const { length } = this.#ring
    const ring: (T | undefined)[] = Array.from({ length: length * 2 })
    for (let i = 0; i < this.#size; i++) ring[i] = this.#ring[(this.#head + i) & (length - 1)]
    this.#ring = ring
    this.#head = 0
  }
}
