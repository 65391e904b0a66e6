/**
 * A gate says how many claimed jobs may begin now, and how many may be in hand at all. It is the only
 * difference between working on single jobs and on batches of them.
 */
export interface Gate {
  /** How many jobs run at the most. */
  readonly capacity: number
  /** How many more may be claimed to run as soon as they can, with `held` that are claimed and do not run. */
  room(running: number, held: number): number
  /** True: what is claimed is recorded as started with the claim. False: it is collected first. */
  readonly startsAtClaim: boolean
  /** Jobs may be claimed beyond the free places, so that the next is at hand when one ends; see prefetch.ts. */
  readonly prefetches: boolean
  /** For how long a claimed job may wait for its start, ms, before it is handed back. */
  readonly maxHoldMs: number
  /**
   * How many of `collected` jobs, the oldest of which is held for `heldMs`, may begin now. They begin together.
   */
  admit(running: number, collected: number, heldMs: number): number
  /** When to ask again if nothing else happens: ms until the held jobs may begin by their age alone. */
  readonly patienceMs: number
}

/**
 * Single jobs, `concurrency` at a time.
 * @param ahead how many more may begin now, since whoever runs them sees to it that no more run at a time.
 * @param prefetches whether jobs are claimed before there is a place for them.
 */
export function singleGate(
  concurrency: number,
  ahead: () => number = () => 0,
  prefetches: boolean = true,
): Gate {
  return {
    capacity: concurrency,
    room: (running, held) => Math.max(0, concurrency + ahead() - running - held),
    startsAtClaim: true,
    prefetches,
    // Bounded, so that a pause, a cancel and a more urgent job elsewhere act soon on what is only buffered.
    maxHoldMs: 250,
    patienceMs: Infinity,
    admit: (running, collected) => Math.max(0, Math.min(concurrency + ahead() - running, collected)),
  }
}

/** Batches of `size()` jobs, one batch at a time; a smaller one when the oldest job has waited `maxWaitMs`. */
export function batchGate(size: () => number, maxWaitMs: number): Gate {
  return {
    get capacity() {
      return size()
    },
    // Nothing is collected beside a batch that runs: for as long as that takes, others may run it.
    room: (running, held) => (running > 0 ? 0 : Math.max(0, size() - held)),
    startsAtClaim: false,
    prefetches: false,
    // What waited long enough begins, unless a batch runs.
    maxHoldMs: maxWaitMs,
    patienceMs: maxWaitMs,
    admit: (running, collected, heldMs) =>
      running === 0 && (collected >= size() || heldMs >= maxWaitMs) ? Math.min(collected, size()) : 0,
  }
}
