/**
 * How many jobs to claim beyond the free places, so that handlers do not wait for trips to the store: twice what
 * is worked off during one trip. Nothing before something was measured, no more than 50 ms of work, and nothing
 * for a store that answers without a wait, since there is no time to win.
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
    const perMs = concurrency / Math.max(this.#jobMs, SHORTEST_JOB_MS)
    return Math.floor(Math.min(perMs * Math.min(this.#tripMs * 2, MOST_WORK_MS), MOST_JOBS))
  }
}

/** Below this a trip was no wait: the store answered in the same turn of the event loop. */
const NO_WAIT_MS = 0.1
/** Shorter jobs are counted as this long; it is about what the way of a job costs by itself. */
const SHORTEST_JOB_MS = 0.005
const MOST_WORK_MS = 50
const MOST_JOBS = 1000

/** A moving mean in which a single outlier, a pause of the garbage collector say, counts for little. */
function blend(old: number | undefined, sample: number): number {
  return old === undefined ? sample : old * 0.9 + Math.min(sample, old * 2 + 0.01) * 0.1
}
