/** How far one measurement moves an estimate, and how much of an outlier is believed. */
const WEIGHT = 0.1
const MAX_STEP = 8
/** What nothing is known of is taken for this, microseconds: long enough that little is sent ahead of it. */
const UNKNOWN_MICROS = 100
/** A long call is remembered for some hundred calls. */
const FADE = 0.99
/** What took longer than this lately may do so again, microseconds. */
const LONG_MICROS = 2000
/** Calls are even while the longest of late took less than so many times what they usually take. */
const EVEN = 3

/** How long the calls of one function usually take. One that takes long now and then stays short. */
export class Estimate {
  #micros = UNKNOWN_MICROS
  /** The longest of late; 0 before the first. */
  #longest = 0

  /** Microseconds. */
  get micros(): number {
    return this.#micros
  }

  /** True when every call of late was short, so that none is expected to hold up what is sent behind it. */
  get isSteady(): boolean {
    return this.#longest > 0 && this.#longest < LONG_MICROS
  }

  /** True when every call of late took about as long as the others, however long that is. */
  get isEven(): boolean {
    return this.#longest > 0 && this.#longest < this.#micros * EVEN
  }

  learn(micros: number): void {
    // A clock that counts microseconds sees nothing of the shortest ones.
    const seen = micros > 0.5 ? micros : 0.5
    if (this.#longest === 0) {
      this.#micros = this.#longest = seen
      return
    }
    this.#micros += WEIGHT * (Math.min(seen, this.#micros * MAX_STEP) - this.#micros)
    this.#longest = Math.max(seen, this.#longest * FADE)
  }
}

/** Those of all functions of a pool, by name. */
export class Estimates {
  readonly #of = new Map<string, Estimate>()

  of(name: string): Estimate {
    let found = this.#of.get(name)
    if (found === undefined) this.#of.set(name, (found = new Estimate()))
    return found
  }
}
