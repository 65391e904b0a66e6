/** How far one measurement moves an estimate, and how much of an outlier is believed. */
const WEIGHT = 0.1
const MAX_STEP = 8
/** What nothing is known of is taken for this, microseconds: long enough that little is sent ahead of it. */
const UNKNOWN_MICROS = 100
/** A long call is remembered for some hundred calls. */
const FADE = 0.99
/** What took longer than this lately may do so again, microseconds. */
const LONG_MICROS = 2000

interface Estimate {
  micros: number
  /** The longest of late. */
  longest: number
}

/** How long the calls of each function usually take. One that takes long now and then stays short. */
export class Estimates {
  readonly #of = new Map<string, Estimate>()

  /** Microseconds. */
  of(name: string): number {
    return this.#of.get(name)?.micros ?? UNKNOWN_MICROS
  }

  /** True when every call of late was short, so that none is expected to hold up what is sent behind it. */
  isSteady(name: string): boolean {
    const known = this.#of.get(name)
    return known !== undefined && known.longest < LONG_MICROS
  }

  learn(name: string, micros: number): void {
    // A clock that counts microseconds sees nothing of the shortest ones.
    const seen = Math.max(micros, 0.5)
    const known = this.#of.get(name)
    if (known === undefined) {
      this.#of.set(name, { micros: seen, longest: seen })
      return
    }
    known.micros += WEIGHT * (Math.min(seen, known.micros * MAX_STEP) - known.micros)
    known.longest = Math.max(seen, known.longest * FADE)
  }
}
