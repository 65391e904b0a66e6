/** Things with a number that stays: those that are added take the lowest free one. */
export class Numbered<T> {
  readonly #items = new Map<number, T>()

  get size(): number {
    return this.#items.size
  }

  get lowestFree(): number {
    let number = 0
    while (this.#items.has(number)) number++
    return number
  }

  set(number: number, item: T): void {
    this.#items.set(number, item)
  }

  delete(number: number): void {
    this.#items.delete(number)
  }

  /** With their numbers, lowest first. */
  entries(): [number, T][] {
    return [...this.#items].toSorted(([a], [b]) => a - b)
  }

  values(): T[] {
    return this.entries().map(([, item]) => item)
  }
}
