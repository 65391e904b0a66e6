/** What is seen of a watched loop at a look. */
export interface Sight {
  readonly kind: 'stalled' | 'recovered'
  /** How long it has stood still, or had, ms. */
  readonly forMs: number
}

/**
 * Sees from a counter, which a loop increments every `everyMs`, that the loop stands still. Told of once, and once
 * more when it is over. A look that is late means that nobody ran meanwhile, as when the whole process was stopped
 * by a signal: then the loop gets a full term again.
 */
export class Standstill {
  readonly #limitMs: number
  readonly #everyMs: number
  #count = 0
  #since: number
  #lastLook: number
  #stalledSince: number | undefined

  /** @param stallMs a loop that is blocked for less than this is never told of. */
  constructor(stallMs: number, everyMs: number, now: number) {
    // It may have run for nearly all of a term after it was last seen to count.
    this.#limitMs = stallMs + everyMs
    this.#everyMs = everyMs
    this.#since = now
    this.#lastLook = now
  }

  look(count: number, now: number): Sight | undefined {
    const isLate = now - this.#lastLook > 2 * this.#everyMs
    this.#lastLook = now
    if (count !== this.#count) return this.#counted(count, now)
    if (isLate) this.#since = now
    const forMs = now - this.#since
    if (this.#stalledSince !== undefined || forMs < this.#limitMs) return undefined
    this.#stalledSince = this.#since
    return { kind: 'stalled', forMs }
  }

  #counted(count: number, now: number): Sight | undefined {
    const stalledSince = this.#stalledSince
    this.#count = count
    this.#since = now
    this.#stalledSince = undefined
    return stalledSince === undefined ? undefined : { kind: 'recovered', forMs: now - stalledSince }
  }
}
