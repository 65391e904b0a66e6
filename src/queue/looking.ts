/** How workers without work find what no hint has told them of, at the price of one of them: see docs/decisions/0010. */
export interface Looking {
  /**
   * Looks at all queues of the store, and hints to whoever watches one, as `watch` says, when there is something to do:
   *   - a job waits, whether or not the queue is paused;
   *   - something is due: a delayed job, one that was not started in time, one that was kept for long enough;
   *   - jobs are active, and upkeep was last done longer ago than `neglectMs`, or never.
   *
   * One of those who share the store looks for all: then the hints go to all, and afterwards those who `overhear` are
   * told. The others hint only to those who watch through this same object. In which way it is done is not important
   * for any of them alone: who is not told often enough looks for itself.
   * @returns true when the caller looks for all, for `termMs` from now: no term of another is under way. A store without
   *   `overhear` always answers false.
   */
  look(request: LookRequest): Promise<boolean>
  /**
   * Calls `heard` soon after somebody has looked for all, the caller perhaps, while this object watches any queue.
   * Returns the function that ends it. Absent where each can as well look for itself.
   */
  overhear?(heard: () => void): () => void
}

export interface LookRequest {
  /** A text of the caller's own, the same in each of its looks. */
  readonly looker: string
  /** Until when it looks for all, if it does, ms from now. 0 ends its term. */
  readonly termMs: number
  readonly neglectMs: number
}
