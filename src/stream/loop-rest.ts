/** Others have their turn after so long, ms, also when each handler waits only for itself. */
const YIELD_MS = 4
/** After a sleep of so long they have had it, ms. */
const NAP_MS = 0.5

/** When a loop sleeps, and when it only lets others have their turn. */
export class LoopRest {
  #wake: () => void = () => {}
  #restedAt = 0

  wake(): void {
    this.#wake()
  }

  /** Waits, at most until it is woken. */
  async sleep(what: () => Promise<unknown>): Promise<void> {
    const sleep = Promise.withResolvers<void>()
    this.#wake = sleep.resolve
    const began = performance.now()
    void what().then(() => sleep.resolve())
    await sleep.promise
    this.#wake = () => {}
    const now = performance.now()
    if (now - began > NAP_MS) this.#restedAt = now
  }

  /** Lets others have their turn, if they have not had it for some time. Undefined when they have. */
  yield(): Promise<void> | undefined {
    return performance.now() - this.#restedAt < YIELD_MS ? undefined : this.yieldNow()
  }

  async yieldNow(): Promise<void> {
    await new Promise((resolve) => void setImmediate(resolve))
    this.#restedAt = performance.now()
  }
}
