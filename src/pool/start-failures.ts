const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 5000
/** Workers that could not start, one after the other, before a pool that did work once is given up. */
const MAX_IN_A_ROW = 3

/**
 * Whether and when to start another worker after one could not start, or died before it had anything to do. A pool
 * never tries again at once, and never for ever when nothing of it works.
 */
export class StartFailures {
  #inARow = 0
  #notBefore = 0
  #hasWorked = false

  /** A worker was ready. */
  started(): void {
    this.#hasWorked = true
  }

  /** A worker has ended a task. */
  worked(): void {
    this.#inARow = 0
  }

  /** @returns true when there is no hope: none works, and either none ever did or several failed in a row. */
  isHopeless(isWorking: boolean): boolean {
    return !isWorking && (!this.#hasWorked || this.#inARow >= MAX_IN_A_ROW)
  }

  failed(now: number): void {
    this.#inARow++
    this.#notBefore = now + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#inARow - 1))
  }

  isTooSoon(now: number): boolean {
    return now < this.#notBefore
  }
}
