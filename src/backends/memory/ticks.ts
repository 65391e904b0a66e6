/** The last tick of each schedule. */
export class Ticks {
  readonly #queues = new Map<string, Map<string, number>>()

  last(queue: string, name: string): number | null {
    return this.#queues.get(queue)?.get(name) ?? null
  }

  /** @returns false, and nothing is changed, when the last tick is not `from`. */
  advance(queue: string, name: string, from: number | null, to: number): boolean {
    if (this.last(queue, name) !== from) return false
    let ticks = this.#queues.get(queue)
    if (ticks === undefined) this.#queues.set(queue, (ticks = new Map()))
    ticks.set(name, to)
    return true
  }
}
