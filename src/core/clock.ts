/**
 * The two clocks of a machine. Leases use `monotonic`, which no operator can move and which all processes
 * of one machine share; delays, expiry and cron use `wall`.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump. */
  wall(): number
  /** Milliseconds since the machine booted. Never jumps, is the same in every process of the machine. */
  monotonic(): number
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  // hrtime reads CLOCK_MONOTONIC; performance.now() would count from the start of this process.
  monotonic: () => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1000 + Math.floor(nanoseconds / 1e6)
  },
}

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  #wall: number
  #monotonic: number

  /** @param wall the time of day to start at, in ms since the epoch. Default: 2026-01-01T00:00:00Z. */
  constructor(wall: number = Date.UTC(2026, 0, 1), monotonic = 1_000_000) {
    this.#wall = wall
    this.#monotonic = monotonic
  }

  wall(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  /** Time passes: both clocks go on by `ms`. */
  advance(ms: number): void {
    this.#wall += ms
    this.#monotonic += ms
  }

  /** Somebody sets the time of day: only the wall clock moves, by `ms`, which may be negative. */
  jump(ms: number): void {
    this.#wall += ms
  }
}
