/**
 * Until when the leases of a process hold, by its own clock: from when it asked, since the server cannot have
 * granted them before. What a process that was stopped finds run out may have another owner.
 */
export class LeaseTerm {
  readonly #leaseMs: number
  #endsAt = -Infinity
  #waiting = new Set<() => void>()

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  get holds(): boolean {
    return performance.now() < this.#endsAt
  }

  /** The server was asked at that time, and has renewed what it did not take away. */
  renewed(askedAt: number): void {
    this.#endsAt = Math.max(this.#endsAt, askedAt + this.#leaseMs)
    this.wake()
  }

  /** Resolves when it was renewed, or when somebody should look again whether it still matters. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  wake(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const resolve of waiting) resolve()
  }
}
