import { Deque } from './deque.ts'

export interface Queued {
  readonly priority: number
  /** When it began to wait, ms on any one clock. */
  readonly queuedAt: number
  /** True while it waits in lanes, which keep this up to date. */
  isQueued: boolean
}

/** So long a wait counts as much as one step of priority, ms. */
export const AGEING_MS = 100
/** So many that were taken out may still lie about, beside as many as wait. */
const MAX_LITTER = 1000

interface Lane<T> {
  readonly priority: number
  readonly queue: Deque<T>
}

/**
 * What waits, the most urgent first: by priority, and by age, so that nothing starves. A task of priority p that
 * waits t ms is as urgent as a new one of priority p + t / 100. First in, first out among equals.
 *
 * There is one lane for each priority in use, in a heap by the urgency of their heads. Ages grow alike, so that
 * the order of two never changes while they wait.
 */
export class Lanes<T extends Queued> {
  readonly #heap: Lane<T>[] = []
  readonly #byPriority = new Map<number, Lane<T>>()
  #size = 0
  #litter = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    const lane = this.#laneOf(item.priority)
    lane.queue.push(item)
    this.#added(item, lane)
  }

  /** Back to where they came from: of their priority before all that began to wait later, whatever came back before. */
  putBack(items: readonly T[]): void {
    for (const [priority, back] of Map.groupBy(items, (item) => item.priority)) {
      const lane = this.#laneOf(priority)
      const newest = back.reduce((latest, { queuedAt }) => Math.max(latest, queuedAt), -Infinity)
      const all = [...takeOlder(lane.queue, newest), ...back].sort((a, b) => a.queuedAt - b.queuedAt)
      for (const item of all.toReversed()) lane.queue.unshift(item)
      for (const item of back) item.isQueued = true
      this.#size += back.length
      if (this.#heap.length > 1) this.#settle(this.#heap.indexOf(lane))
    }
  }

  shift(): T | undefined {
    const item = this.peek()
    if (item === undefined) return undefined
    this.#dropHead()
    item.isQueued = false
    this.#size--
    return item
  }

  /** The next one, which stays. */
  peek(): T | undefined {
    if (this.#size === 0) return undefined
    for (;;) {
      const head = this.#heap[0]!.queue.peek()!
      if (head.isQueued) return head
      this.#dropHead()
      this.#litter--
    }
  }

  /** Takes one out, wherever it stands. @returns false when it was not in. */
  drop(item: T): boolean {
    if (!item.isQueued) return false
    item.isQueued = false
    this.#size--
    // It is swept out when it comes to the head: to look for each of many would take their square.
    if (++this.#litter > this.#size + MAX_LITTER) this.#takeOut((each) => !each.isQueued)
    return true
  }

  /** Takes out what passes the test. */
  reject(isRejected: (item: T) => boolean): T[] {
    const rejected = this.#takeOut((item) => !item.isQueued || isRejected(item)).filter(
      ({ isQueued }) => isQueued,
    )
    for (const item of rejected) item.isQueued = false
    this.#size -= rejected.length
    return rejected
  }

  #takeOut(isOut: (item: T) => boolean): T[] {
    const out = this.#heap.flatMap(({ queue }) => queue.reject(isOut))
    const lanes = this.#heap.filter(({ queue }) => queue.size > 0)
    this.#heap.length = 0
    this.#byPriority.clear()
    for (const lane of lanes) this.#addLane(lane)
    this.#litter = 0
    return out
  }

  #added(item: T, lane: Lane<T>): void {
    item.isQueued = true
    this.#size++
    if (this.#heap.length > 1 && lane.queue.peek() === item) this.#settle(this.#heap.indexOf(lane))
  }

  /** The head of the first lane goes. The last lane stays even if it is empty: it is about to be used again. */
  #dropHead(): void {
    const lane = this.#heap[0]!
    lane.queue.shift()
    if (this.#heap.length === 1) return
    if (lane.queue.size === 0) {
      this.#byPriority.delete(lane.priority)
      this.#heap[0] = this.#heap.pop()!
    }
    this.#settle(0)
  }

  #laneOf(priority: number): Lane<T> {
    const found = this.#byPriority.get(priority)
    if (found !== undefined) return found
    const lane = { priority, queue: new Deque<T>() }
    this.#addLane(lane)
    return lane
  }

  #addLane(lane: Lane<T>): void {
    this.#byPriority.set(lane.priority, lane)
    this.#heap.push(lane)
    this.#settle(this.#heap.length - 1)
  }

  /** Moves the lane at `index` to where the urgency of its head belongs. */
  #settle(index: number): void {
    const heap = this.#heap
    const lane = heap[index]!
    const urgency = urgencyOf(lane)
    let at = index
    for (let up = (at - 1) >> 1; at > 0 && urgencyOf(heap[up]!) < urgency; up = (at - 1) >> 1) {
      heap[at] = heap[up]!
      at = up
    }
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && urgencyOf(heap[down + 1]!) > urgencyOf(heap[down]!)) down++
      if (urgencyOf(heap[down]!) <= urgency) break
      heap[at] = heap[down]!
      at = down
    }
    heap[at] = lane
  }
}

/** Takes what has waited since before then from the front. */
function takeOlder<T extends Queued>(queue: Deque<T>, newest: number): T[] {
  const older: T[] = []
  for (let head = queue.peek(); head !== undefined && head.queuedAt < newest; head = queue.peek()) {
    older.push(queue.shift()!)
  }
  return older
}

/** Of the head, apart from the present time, which is the same for all. */
function urgencyOf<T extends Queued>({ priority, queue }: Lane<T>): number {
  const head = queue.peek()
  return head === undefined ? -Infinity : priority - head.queuedAt / AGEING_MS
}
