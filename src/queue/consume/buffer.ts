import type { ClaimedJob } from '../job.ts'

/** A job that is claimed and has not begun. */
export interface Held {
  readonly job: ClaimedJob
  /** When its claim was asked for, monotonic. */
  readonly claimedAt: number
  /** Since when it is held here, monotonic. */
  readonly heldAt: number
}

/** Claimed jobs on their way to a handler, in the order in which the store gave them. */
export class Buffer {
  #held: Held[] = []
  /** Those before it are taken: to move all others up each time would cost more than a job. */
  #from = 0

  get size(): number {
    return this.#held.length - this.#from
  }

  /** For how long the oldest has been held, ms; 0 when empty. */
  oldestMs(now: number): number {
    return this.size === 0 ? 0 : now - this.#held[this.#from]!.heldAt
  }

  push(held: Held): void {
    this.#held.push(held)
  }

  take(count: number): Held[] {
    if (count <= 0) return []
    const taken = this.#held.slice(this.#from, this.#from + count)
    this.#from += taken.length
    // At once when it is empty, else when half of it is gone: then what is moved up is no more than what was taken.
    if (this.#from * 2 >= this.#held.length) {
      this.#held = this.#held.slice(this.#from)
      this.#from = 0
    }
    return taken
  }

  takeAll(): Held[] {
    return this.take(this.size)
  }
}
