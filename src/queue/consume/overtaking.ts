import type { ClaimRequest, Settlement } from '../backend.ts'
import type { Exchange, Trip } from './exchange.ts'
import { MOST_OUTCOMES, type Settler } from './settler.ts'

/** An outcome waits no longer than that for the answer to what was sent before it. */
const PATIENCE_MS = 8
/** So many are under way at once: each needs a connection of its own. */
const MOST_AT_ONCE = 3
/** Makes a trip be tried once. */
const ONCE = AbortSignal.abort()

export interface OvertakingHost {
  readonly settler: Settler
  settled(settlements: readonly Settlement[], trip: Trip): void
}

/**
 * Sends outcomes that came while a trip is under way, once its answer is late. What has reached the server takes effect
 * even when this process is killed; what waits here runs again, however slow the answer is. What fails on the way is left
 * to the next trip.
 */
export class Overtaking {
  readonly #exchange: Exchange
  readonly #host: OvertakingHost
  /** Outcomes were put back of which the store may have heard: nothing overtakes until they have been told again. */
  #inDoubt = false

  constructor(exchange: Exchange, host: OvertakingHost) {
    this.#exchange = exchange
    this.#host = host
  }

  /** Makes a trip; see `Exchange`. Its answer waits for those of all that overtook it. */
  async trip(
    settlements: readonly Settlement[],
    request: ClaimRequest | undefined,
    signal: AbortSignal,
  ): Promise<Trip> {
    const repeated = this.#inDoubt
    if (this.#host.settler.size === 0) this.#inDoubt = false
    const trip = await this.#overtaken(this.#exchange.trip(settlements, request, signal))
    return repeated ? { ...trip, repeated } : trip
  }

  async #overtaken(trip: Promise<Trip>): Promise<Trip> {
    if (!this.#exchange.isRemote) return trip
    const underWay = new Set<Promise<void>>()
    const timer = setInterval(() => {
      const { size } = this.#host.settler
      if (size === 0 || underWay.size === MOST_AT_ONCE || this.#inDoubt || !this.#exchange.isUp) return
      const one = this.#overtake()
      underWay.add(one)
      one.then(
        () => underWay.delete(one),
        () => {},
      )
    }, PATIENCE_MS)
    try {
      return await trip
    } finally {
      clearInterval(timer)
      if (underWay.size > 0) await Promise.all(underWay)
    }
  }

  async #overtake(): Promise<void> {
    const { settler } = this.#host
    const settlements = settler.take(MOST_OUTCOMES)
    let trip: Trip
    try {
      trip = await this.#exchange.trip(settlements, undefined, ONCE)
    } catch {
      this.#inDoubt = true
      settler.putBack(settlements)
      return
    }
    this.#host.settled(settlements, trip)
  }
}
