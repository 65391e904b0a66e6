import type { Settlement } from '../backend.ts'
import type { Exchange, Trip } from './exchange.ts'
import type { Settler } from './settler.ts'

/** An outcome waits no longer than that for the answer to what was sent before it. */
const PATIENCE_MS = 8
/** Each of them needs a connection of its own. */
const MOST_AT_ONCE = 3
/** The most outcomes of one trip. */
const MOST_OUTCOMES = 1000

/**
 * Sends outcomes that came while a trip is under way, once its answer is late. What has reached the server takes effect
 * even when this process is killed; what waits here runs again, however slow the answer is.
 */
export class Overtaking {
  readonly #exchange: Exchange
  readonly #settler: Settler
  readonly #settled: (settlements: readonly Settlement[], trip: Trip) => void

  constructor(
    exchange: Exchange,
    settler: Settler,
    settled: (settlements: readonly Settlement[], trip: Trip) => void,
  ) {
    this.#exchange = exchange
    this.#settler = settler
    this.#settled = settled
  }

  /** Waits for a trip, and for those that overtook it. @param signal gives up trying them again. */
  async during(trip: Promise<Trip>, signal: AbortSignal): Promise<Trip> {
    if (!this.#exchange.isRemote) return trip
    const overtaking: Promise<void>[] = []
    const timer = setInterval(() => {
      if (this.#settler.size === 0 || overtaking.length === MOST_AT_ONCE || !this.#exchange.isUp) return
      overtaking.push(this.#overtake(signal))
    }, PATIENCE_MS)
    try {
      return await trip
    } finally {
      clearInterval(timer)
      if (overtaking.length > 0) await Promise.all(overtaking)
    }
  }

  async #overtake(signal: AbortSignal): Promise<void> {
    const settlements = this.#settler.take(MOST_OUTCOMES)
    let trip: Trip
    try {
      trip = await this.#exchange.trip(settlements, undefined, signal)
    } catch {
      // Whatever is wrong, the next trip meets it too.
      this.#settler.putBack(settlements)
      return
    }
    this.#settled(settlements, trip)
  }
}
