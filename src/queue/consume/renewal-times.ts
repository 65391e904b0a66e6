/** When leases were renewed, in memory that a thread may share. All times are monotonic ones of the machine, in ms. */
export class RenewalTimes {
  /** When the last renewal that succeeded was begun, 0 before the first; and what `lapsedUntil` says. */
  readonly memory: Float64Array
  readonly #leaseMs: number

  constructor(leaseMs: number, memory: Float64Array = new Float64Array(new SharedArrayBuffer(16))) {
    this.memory = memory
    this.#leaseMs = leaseMs
  }

  /** -Infinity before the first. */
  get renewedAt(): number {
    return this.#at(0)
  }

  /**
   * Claims of this time and before had a lease that may have ended unrenewed, so somebody else may have their jobs,
   * although others have been renewed since: the process was stopped, or the store away, for longer than a lease.
   */
  get lapsedUntil(): number {
    return this.#at(1)
  }

  /** A renewal has succeeded that was begun at `startedAt` and done at `endedAt`: it reached the store in between. */
  renewed(startedAt: number, endedAt: number): void {
    if (endedAt - this.renewedAt >= this.#leaseMs) this.memory[1] = endedAt - this.#leaseMs
    this.memory[0] = startedAt
  }

  /** Goes on from where another left off, or anew. */
  begin(from: RenewalTimes | undefined): void {
    this.memory.set(from?.memory ?? [0, 0])
  }

  #at(index: number): number {
    return this.memory[index] || -Infinity
  }
}
