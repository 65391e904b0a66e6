/** Others have their turn after so long, ms, also when each handler waits only for itself. */
const YIELD_MS = 4
/** After a sleep of so long they have had it, ms. */
const NAP_MS = 0.5

/** When a loop sleeps, and when it only lets others have their turn. */
export class LoopRest {
  #wake: () => void = () => {}
  #restedAt = 0
  #isAsleep = false
  #next: PromiseWithResolvers<void> | undefined

  wake(): void {
    this.#wake()
  }

  /** Waits, at most until it is woken. */
  async sleep(what: () => Promise<unknown>): Promise<void> {
    const sleep = Promise.withResolvers<void>()
    this.#wake = sleep.resolve
    const began = performance.now()
    void what().then(() => sleep.resolve())
    this.#isAsleep = true
    this.#next?.resolve()
    this.#next = undefined
    await sleep.promise
    this.#isAsleep = false
    this.#wake = () => {}
    const now = performance.now()
    if (now - began > NAP_MS) this.#restedAt = now
  }

  /** Resolves when it sleeps: it has done all that there was. */
  next(): Promise<void> {
    if (this.#isAsleep) return Promise.resolve()
    this.#next ??= Promise.withResolvers()
    return this.#next.promise
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
