import { Deque } from './deque.ts'

export interface Queued {
  readonly priority: number
  /** When it began to wait, ms on any one clock. */
  readonly queuedAt: number
}

/** So long a wait counts as much as one step of priority, ms. */
export const AGEING_MS = 100

/**
 * What waits, the most urgent first: by priority, and by age, so that nothing starves. A task of priority p that
 * waits t ms is as urgent as a new one of priority p + t / 100. First in, first out among equals.
 *
 * There is one lane for each priority in use, so that what is most urgent is among the heads of the lanes.
 */
export class Lanes<T extends Queued> {
  readonly #lanes: { readonly priority: number; readonly queue: Deque<T> }[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    this.#laneOf(item.priority).push(item)
    this.#size++
  }

  /** Back to where it came from, before all others of its priority. */
  unshift(item: T): void {
    this.#laneOf(item.priority).unshift(item)
    this.#size++
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    this.#size--
    return this.#best().shift()
  }

  /** The next one, which stays. */
  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#best().peek()
  }

  /** Takes out what passes the test. */
  reject(isRejected: (item: T) => boolean): T[] {
    const rejected = this.#lanes.flatMap(({ queue }) => queue.reject(isRejected))
    this.#size -= rejected.length
    return rejected
  }

  /** To be called only when something waits. */
  #best(): Deque<T> {
    const [only] = this.#lanes
    if (this.#lanes.length === 1) return only!.queue
    let best: Deque<T> | undefined
    let bestUrgency = -Infinity
    for (const { priority, queue } of this.#lanes) {
      const head = queue.peek()
      if (head === undefined) continue
      // Ages differ by the same amount at any time, so the present need not be known.
      const urgency = priority - head.queuedAt / AGEING_MS
      if (urgency > bestUrgency) {
        bestUrgency = urgency
        best = queue
      }
    }
    return best!
  }

  #laneOf(priority: number): Deque<T> {
    for (const lane of this.#lanes) if (lane.priority === priority) return lane.queue
    const queue = new Deque<T>()
    this.#lanes.push({ priority, queue })
    this.#lanes.sort((a, b) => b.priority - a.priority)
    return queue
  }
}
