/** For so long jobs that end at once may begin each other before the event loop comes round. */
const TURN_MS = 1

/**
 * The pace at which held jobs begin as others end. Each step follows at once, but not for long without the event
 * loop: it has answers to read, timers and other work. And when a request was just made, not before that is on its
 * way, so that the store works on it while the jobs run.
 */
export class Stride {
  readonly #step: () => void
  #scheduled = false
  /** When the first step since the loop last came round was asked for. */
  #since: number | undefined
  #makesWay = 0

  constructor(step: () => void) {
    this.#step = step
  }

  /** A step is to be made. Never within this call: jobs would begin each other ever deeper. */
  soon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    if (this.#makesWay > 0 || this.#turnMs() >= TURN_MS) setImmediate(this.#go)
    else queueMicrotask(this.#go)
  }

  /** A request was just made. It is written when the loop comes round, which no step may delay. */
  makeWay(): void {
    this.#makesWay++
    setImmediate(() => {
      setImmediate(() => this.#makesWay--)
    })
  }

  #turnMs(): number {
    const now = performance.now()
    if (this.#since !== undefined) return now - this.#since
    this.#since = now
    setImmediate(() => (this.#since = undefined))
    return 0
  }

  readonly #go = (): void => {
    if (this.#makesWay > 0) {
      setImmediate(this.#go)
      return
    }
    this.#scheduled = false
    this.#step()
  }
}

/** Resolves when the event loop has come round. */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
