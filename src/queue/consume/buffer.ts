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

  get size(): number {
    return this.#held.length
  }

  /** For how long the oldest has been held, ms; 0 when empty. */
  oldestMs(now: number): number {
    return this.#held.length === 0 ? 0 : now - this.#held[0]!.heldAt
  }

  push(held: Held): void {
    this.#held.push(held)
  }

  take(count: number): Held[] {
    return this.#held.splice(0, count)
  }

  takeAll(): Held[] {
    return this.take(this.#held.length)
  }
}
