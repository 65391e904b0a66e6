/** The marks of messages that were handled, no more than `capacity`: the oldest is forgotten first. */
export class RecentIds {
  readonly #capacity: number
  readonly #ids = new Set<string>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.add(id)
    if (this.#ids.size > this.#capacity) this.#ids.delete(this.#ids.values().next().value!)
  }
}

interface Window {
  last: number
  readonly handled: Set<number>
}

/**
 * Which sequence numbers of each key were handled: the last `reach` of them exactly, so that one that failed and comes
 * again, or comes late, is not taken for a duplicate. A number further back than that means that the sender began anew.
 */
export class RecentSequences {
  readonly #capacity: number
  readonly #reach: number
  readonly #windows = new Map<string, Window>()

  /** @param capacity how many keys are kept; the one that was not heard of for longest is forgotten first. */
  constructor(capacity: number, reach: number) {
    this.#capacity = capacity
    this.#reach = reach
  }

  has(key: string, sequence: number): boolean {
    const window = this.#windows.get(key)
    return window !== undefined && sequence > window.last - this.#reach && window.handled.has(sequence)
  }

  add(key: string, sequence: number): void {
    let window = this.#windows.get(key)
    if (window === undefined || sequence <= window.last - this.#reach) {
      window = { last: sequence, handled: new Set() }
    }
    window.handled.add(sequence)
    window.last = Math.max(window.last, sequence)
    if (window.handled.size > this.#reach) {
      for (const each of window.handled) if (each <= window.last - this.#reach) window.handled.delete(each)
    }
    this.#windows.delete(key)
    this.#windows.set(key, window)
    if (this.#windows.size > this.#capacity) this.#windows.delete(this.#windows.keys().next().value!)
  }
}
