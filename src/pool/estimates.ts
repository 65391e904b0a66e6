/** How far one measurement moves an estimate, and how much of an outlier is believed. */
const WEIGHT = 0.1
const MAX_STEP = 8
/** What nothing is known of is taken for this, microseconds: long enough that little is sent ahead of it. */
const UNKNOWN_MICROS = 100

/** How long the calls of each function usually take. One that takes long now and then stays short. */
export class Estimates {
  readonly #micros = new Map<string, number>()

  of(name: string): number {
    return this.#micros.get(name) ?? UNKNOWN_MICROS
  }

  learn(name: string, micros: number): void {
    const known = this.#micros.get(name)
    // A clock that counts microseconds sees nothing of the shortest ones.
    const seen = Math.max(micros, 0.5)
    this.#micros.set(
      name,
      known === undefined ? seen : known + WEIGHT * (Math.min(seen, known * MAX_STEP) - known),
    )
  }
}
