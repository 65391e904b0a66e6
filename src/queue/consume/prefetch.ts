/**
 * How many jobs to claim beyond the free places, so that handlers do not wait for trips to the store: twice what
 * is worked off during one trip, since the next is sent when half of it is left, and no less than makes a trip
 * worth while. Nothing before something was measured, no more than 50 ms of work, and nothing for a store that
 * answers without a wait, since there is no time to win.
 *
 * What is claimed ahead is recorded as started together with its claim: a record of its own would cost the very
 * trip that is to be saved. So when a worker dies, a few jobs that it had not begun may count a crash as well.
 */
export class Prefetch {
  #tripMs: number | undefined
  #jobMs: number | undefined

  /** @param waitMs for how long the event loop could have done something else during a trip. */
  tripTook(waitMs: number): void {
    this.#tripMs = blend(this.#tripMs, waitMs)
  }

  /** @param durationMs from the start to the end of a handler. */
  jobTook(durationMs: number): void {
    this.#jobMs = blend(this.#jobMs, durationMs)
  }

  /** Jobs take longer than was measured: nothing more is claimed ahead until one has ended, and so was measured. */
  overestimated(): void {
    this.#jobMs = undefined
  }

  allowance(concurrency: number): number {
    if (this.#tripMs === undefined || this.#jobMs === undefined || this.#tripMs < NO_WAIT_MS) return 0
    const perMs = Math.min(concurrency / this.#jobMs, MOST_PER_MS)
    const aheadMs = Math.min(Math.max(this.#tripMs * 2, WORTH_MS), MOST_WORK_MS)
    return Math.floor(Math.min(perMs * aheadMs, MOST_JOBS))
  }

  /** True when what is held should be made up for now: it lasts for about as long as that takes. */
  runsLow(held: number, concurrency: number): boolean {
    return held <= this.allowance(concurrency) / 2
  }

  /** How many to claim with `free` places beside those for what is held. */
  wanted(free: number, held: number, concurrency: number): number {
    if (free === 0 && !this.runsLow(held, concurrency)) return 0
    const ahead = Math.max(0, this.allowance(concurrency) - held)
    return Math.max(free, Math.min(free + ahead, MOST_OF_A_TRIP))
  }
}

/** Below this a trip was no wait: the store answered in the same turn of the event loop. */
const NO_WAIT_MS = 0.1
/** What the event loop moves itself, with handlers that do nothing. */
const MOST_PER_MS = 160
/** Small trips cost the store and this process more a job than large ones: so much work is held at least. */
const WORTH_MS = 8
const MOST_WORK_MS = 50
const MOST_JOBS = 2000
/** Claimed ahead by one trip: the store does nothing else meanwhile. */
const MOST_OF_A_TRIP = 1000

/** A moving mean in which a single outlier, a pause of the garbage collector say, counts for little. */
function blend(old: number | undefined, sample: number): number {
  return old === undefined ? sample : old * 0.9 + Math.min(sample, old * 2 + 0.01) * 0.1
}
