import { MillhandError } from '../core/errors.ts'
import { Deque } from './deque.ts'

interface Producer {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Lets in as many tasks as may wait, and those who wait to add one in their order. */
export class Admission {
  readonly #limit: number
  readonly #taken: () => number
  readonly #producers = new Deque<Producer>()
  /** Producers that were let in and have not added their task yet. */
  #expected = 0
  #isForgetPlanned = false

  /** @param taken how many tasks wait now. */
  constructor(limit: number, taken: () => number) {
    this.#limit = limit
    this.#taken = taken
  }

  /** @throws MillhandError POOL_FULL. Not for one that was let in, though tasks may have come back meanwhile. */
  enter(): void {
    if (this.#expected > 0) {
      this.#expected--
    } else if (this.#taken() >= this.#limit) {
      throw new MillhandError(
        'POOL_FULL',
        `${this.#limit} tasks wait already (maxQueue); await pool.ready() before each one that you add`,
      )
    }
  }

  /** Resolves when there is room for one, first come first served. */
  async ready(): Promise<void> {
    if (this.#producers.size === 0 && this.#hasRoom()) this.#expect()
    else await new Promise<void>((resolve, reject) => this.#producers.push({ resolve, reject }))
  }

  /** To be called when fewer wait. */
  changed(): void {
    while (this.#producers.size > 0 && this.#hasRoom()) {
      this.#expect()
      this.#producers.shift()!.resolve()
    }
  }

  /** Nobody will be let in any more. */
  shut(error: Error): void {
    while (this.#producers.size > 0) this.#producers.shift()!.reject(error)
  }

  #hasRoom(): boolean {
    return this.#taken() + this.#expected < this.#limit
  }

  /** One that does not come before the event loop has turned has thought better of it. */
  #expect(): void {
    this.#expected++
    if (this.#isForgetPlanned) return
    this.#isForgetPlanned = true
    setImmediate(() => {
      this.#isForgetPlanned = false
      this.#expected = 0
      this.changed()
    })
  }
}
