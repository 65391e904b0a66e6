import type { ClaimRequest, Settlement } from '../backend.ts'
import type { Exchange, Trip } from './exchange.ts'
import { MOST_OUTCOMES, type Settler } from './settler.ts'

/** An outcome waits no longer than that for the answer to what was sent before it. */
const PATIENCE_MS = 8
/** Each of them needs a connection of its own. */
const MOST_AT_ONCE = 3

export interface OvertakingHost {
  readonly settler: Settler
  settled(settlements: readonly Settlement[], trip: Trip): void
}

/**
 * Sends outcomes that came while a trip is under way, once its answer is late. What has reached the server takes effect
 * even when this process is killed; what waits here runs again, however slow the answer is.
 */
export class Overtaking {
  readonly #exchange: Exchange
  readonly #host: OvertakingHost

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
    const trip = this.#exchange.trip(settlements, request, signal)
    if (!this.#exchange.isRemote) return trip
    const overtaking: Promise<void>[] = []
    const timer = setInterval(() => {
      const { size } = this.#host.settler
      if (size === 0 || overtaking.length === MOST_AT_ONCE || !this.#exchange.isUp) return
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
    const { settler } = this.#host
    const settlements = settler.take(MOST_OUTCOMES)
    let trip: Trip
    try {
      trip = await this.#exchange.trip(settlements, undefined, signal)
    } catch {
      // Whatever is wrong, the next trip meets it too.
      settler.putBack(settlements)
      return
    }
    this.#host.settled(settlements, trip)
  }
}
