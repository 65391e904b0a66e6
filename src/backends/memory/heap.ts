/** A binary heap. What left its index in another way stays until it surfaces, so the owner checks what it takes. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  /** @param before true when `a` must come out before `b`. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  /** In no order. */
  items(): Iterable<T> {
    return this.#items
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#rise(this.#items.length - 1)
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length > 0 && last !== undefined) {
      items[0] = last
      this.#sink(0)
    }
    return first
  }

  /** Drops what `wanted` says no to. */
  keep(wanted: (item: T) => boolean): void {
    const items = this.#items
    let length = 0
    for (const item of items) if (wanted(item)) items[length++] = item
    items.length = length
    for (let at = (length >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  #rise(from: number): void {
    const items = this.#items
    const item = items[from] as T
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = items[above] as T
      if (!this.#before(item, parent)) break
      items[at] = parent
      at = above
    }
    items[at] = item
  }

  #sink(from: number): void {
    const items = this.#items
    const item = items[from] as T
    let at = from
    for (;;) {
      let below = 2 * at + 1
      if (below >= items.length) break
      const right = below + 1
      if (right < items.length && this.#before(items[right] as T, items[below] as T)) below = right
      const child = items[below] as T
      if (!this.#before(child, item)) break
      items[at] = child
      at = below
    }
    items[at] = item
  }
}
