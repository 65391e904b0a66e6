import { DOZES, RUNG } from '../bell.ts'

/** To be woken takes about 20 microseconds: for so long a thread looks for more without sleeping, ms. */
const LOOK_MS = 0.03
/** For so long it then sleeps, which is still less to wake from than the event loop, ms. */
const DOZE_MS = 0.05
/** It goes on until it has waited in vain so often in a row. */
const PATIENCE = 4
/** Then it tries again each so many times: where calls are far apart, waiting costs others the core. */
const RARELY = 128

/** How a thread that has just run out of work waits for more without going back to its event loop, where that pays. */
export class Linger {
  readonly #bell: Int32Array
  /** How often it may still wait in vain. */
  #patience = PATIENCE
  #skipped = 0

  /** @param bell see bell.ts. */
  constructor(bell: Int32Array) {
    this.#bell = bell
  }

  /** The count of the messages up to now. */
  get rung(): number {
    return Atomics.load(this.#bell, RUNG)
  }

  /** Whether to wait at all. To be asked once for each message that the event loop has brought. */
  begins(): boolean {
    if (this.#patience > 0) return true
    this.#skipped = (this.#skipped + 1) % RARELY
    return this.#skipped === 0
  }

  /** @returns true when there has been another message since that count was `rung`. */
  waits(rung: number): boolean {
    const hasRung = this.#look(rung) || this.#doze(rung)
    this.#patience = hasRung ? PATIENCE : Math.max(0, this.#patience - 1)
    return hasRung
  }

  #look(rung: number): boolean {
    const end = performance.now() + LOOK_MS
    while (this.rung === rung) if (performance.now() > end) return false
    return true
  }

  #doze(rung: number): boolean {
    // Whoever rings looks at this after having counted, and the wait looks at the count: one of the two sees the other.
    Atomics.store(this.#bell, DOZES, 1)
    const hasRung = Atomics.wait(this.#bell, RUNG, rung, DOZE_MS) !== 'timed-out'
    Atomics.store(this.#bell, DOZES, 0)
    return hasRung
  }
}
