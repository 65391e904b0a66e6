import type { Entry } from './entry.ts'
import { Fifo } from './fifo.ts'
import { Heap } from './heap.ts'

/**
 * The waiting jobs of one type: most urgent first, then by `seq`, suspects apart. An entry that stopped waiting
 * stays in its place until it surfaces, and is skipped then; since its place is given by what never changes,
 * a second place of the same entry does no harm.
 */
export class Line {
  readonly type: string
  /** How many wait, suspects included. Kept by the shelf. */
  waiting = 0
  /** How many of them are suspects. */
  suspects = 0
  /** When a worker last said that it handles the type, by the lease clock. */
  handledAt: number | null = null
  /** When upkeep first found jobs of the type with nobody to run them, by the lease clock. */
  unhandledSince: number | null = null

  /** In descending priority. */
  readonly #buckets: Bucket[] = []
  readonly #suspects = new Heap<Entry>(moreUrgent)
  /** No bucket before this one has anything. */
  #top = 0
  #pushed = 0

  constructor(type: string) {
    this.type = type
  }

  push(entry: Entry): void {
    // Places of what was cancelled or purged must not pile up where nobody claims.
    if (++this.#pushed > 2 * this.waiting + 1024) this.#tidy()
    if (entry.crashes > 0) {
      this.#suspects.push(entry)
      return
    }
    const at = this.#find(entry.priority)
    let bucket = this.#buckets[at]
    if (bucket?.priority !== entry.priority) {
      bucket = new Bucket(entry.priority)
      this.#buckets.splice(at, 0, bucket)
    }
    bucket.push(entry)
    if (at < this.#top) this.#top = at
  }

  /** The job to be claimed next, suspects aside. */
  peek(): Entry | undefined {
    for (; this.#top < this.#buckets.length; this.#top++) {
      const entry = this.#buckets[this.#top]?.peek()
      if (entry !== undefined) return entry
    }
    return undefined
  }

  /** Takes away what `peek` showed. */
  shift(): void {
    this.#buckets[this.#top]?.shift()
  }

  peekSuspect(): Entry | undefined {
    for (;;) {
      const entry = this.#suspects.peek()
      if (entry === undefined || suspectWaits(entry)) return entry
      this.shiftSuspect()
    }
  }

  shiftSuspect(): void {
    this.#suspects.pop()
  }

  /** The job that was enqueued first of all that wait. */
  oldest(): Entry | undefined {
    let oldest: Entry | undefined
    // Few, and the first of them is the most urgent one.
    for (const entry of this.#suspects.items()) {
      if (suspectWaits(entry) && (oldest === undefined || entry.seq < oldest.seq)) oldest = entry
    }
    for (const bucket of this.#buckets) {
      const entry = bucket.peek()
      if (entry !== undefined && (oldest === undefined || entry.seq < oldest.seq)) oldest = entry
    }
    return oldest
  }

  #tidy(): void {
    for (const bucket of this.#buckets) bucket.keep(waits)
    this.#suspects.keep(suspectWaits)
    this.#pushed = 0
  }

  /** Where the bucket of a priority is or belongs. */
  #find(priority: number): number {
    let low = 0
    let high = this.#buckets.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#buckets[middle] as Bucket).priority > priority) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Jobs of one priority. New ones come in the order of their `seq`; those that come back go through a heap. */
class Bucket {
  readonly priority: number
  readonly #fresh = new Fifo<Entry>()
  readonly #back = new Heap<Entry>((a, b) => a.seq < b.seq)
  #highest = 0

  constructor(priority: number) {
    this.priority = priority
  }

  push(entry: Entry): void {
    if (entry.seq > this.#highest) {
      this.#highest = entry.seq
      this.#fresh.push(entry)
    } else {
      this.#back.push(entry)
    }
  }

  peek(): Entry | undefined {
    let fresh = this.#fresh.peek()
    while (fresh !== undefined && !waits(fresh)) {
      this.#fresh.shift()
      fresh = this.#fresh.peek()
    }
    if (this.#back.size === 0) return fresh
    let back = this.#back.peek()
    while (back !== undefined && !waits(back)) {
      this.#back.pop()
      back = this.#back.peek()
    }
    return back === undefined || (fresh !== undefined && fresh.seq < back.seq) ? fresh : back
  }

  shift(): void {
    const first = this.peek()
    if (first === this.#fresh.peek()) this.#fresh.shift()
    else this.#back.pop()
  }

  keep(wanted: (entry: Entry) => boolean): void {
    this.#fresh.keep(wanted)
    this.#back.keep(wanted)
  }
}

export function moreUrgent(a: Entry, b: Entry): boolean {
  return a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority
}

function waits(entry: Entry): boolean {
  return entry.state === 'waiting' && entry.crashes === 0
}

function suspectWaits(entry: Entry): boolean {
  return entry.state === 'waiting' && entry.crashes > 0
}
