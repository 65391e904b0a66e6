/** First in, first out: an array whose front is cut off now and then, in constant time on average. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.#cut()
    else if (this.#head > 4096 && this.#head * 2 > this.#items.length) this.#cut()
    return item
  }

  /** Drops what `wanted` says no to. */
  keep(wanted: (item: T) => boolean): void {
    this.#items = this.#items.filter((item) => item !== undefined && wanted(item))
    this.#head = 0
  }

  #cut(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
