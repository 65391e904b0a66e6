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

  /** @param bell memory that counts messages. */
  constructor(bell: Int32Array) {
    this.#bell = bell
  }

  /** The count of the messages up to now. */
  get rung(): number {
    return Atomics.load(this.#bell, 0)
  }

  /** @returns true when there has been another message since that count was `rung`. */
  waits(rung: number): boolean {
    if (this.#patience === 0 && ++this.#skipped < RARELY) return false
    this.#skipped = 0
    const hasRung = this.#look(rung) || Atomics.wait(this.#bell, 0, rung, DOZE_MS) !== 'timed-out'
    this.#patience = hasRung ? PATIENCE : Math.max(0, this.#patience - 1)
    return hasRung
  }

  #look(rung: number): boolean {
    const end = performance.now() + LOOK_MS
    while (Atomics.load(this.#bell, 0) === rung) if (performance.now() > end) return false
    return true
  }
}
