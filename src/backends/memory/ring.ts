/** A first-in, first-out buffer that grows by doubling and never copies otherwise. */
export class Ring<T> {
  #items: (T | undefined)[] = Array.from<T | undefined>({ length: 16 })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    if (this.#size === this.#items.length) this.#resize(this.#size * 2)
    this.#items[(this.#head + this.#size) & (this.#items.length - 1)] = item
    this.#size++
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#size--
    // A burst that is over must not hold its memory.
    if (this.#items.length > 4096 && this.#size * 8 < this.#items.length) this.#resize(this.#items.length / 2)
    return item
  }

  /** Drops what `wanted` says no to. */
  keep(wanted: (item: T) => boolean): void {
    for (let left = this.#size; left > 0; left--) {
      const item = this.shift() as T
      if (wanted(item)) this.push(item)
    }
  }

  #resize(length: number): void {
    const items = Array.from<T | undefined>({ length })
    for (let at = 0; at < this.#size; at++) {
      items[at] = this.#items[(this.#head + at) & (this.#items.length - 1)]
    }
    this.#items = items
    this.#head = 0
  }
}
