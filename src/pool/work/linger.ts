/** To be woken takes about 20 microseconds: for so long a thread looks for more without sleeping, where that pays, ms. */
const LOOK_MS = 0.03
/** For so long it then sleeps, which is still less to wake from than the event loop, ms. */
const DOZE_MS = 0.05
/** Of so many times one is a look, where it has not paid lately. */
const RARELY = 16

/** How a thread that has just run out of work waits for more without going back to its event loop. */
export class Linger {
  readonly #bell: Int32Array
  /** How often in a row a look paid, or below 0 did not. */
  #luck = 0
  #since = 0

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
    if (this.#luck > 0 || this.#since++ % RARELY === 0) {
      const isLucky = this.#look(rung)
      this.#luck = isLucky ? Math.min(this.#luck + 1, RARELY) : Math.min(this.#luck, 4) - 1
      if (isLucky) return true
    }
    return Atomics.wait(this.#bell, 0, rung, DOZE_MS) !== 'timed-out'
  }

  #look(rung: number): boolean {
    const end = performance.now() + LOOK_MS
    while (Atomics.load(this.#bell, 0) === rung) if (performance.now() > end) return false
    return true
  }
}
