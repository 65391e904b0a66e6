/** A clock that ticks only while there is something to look after, and keeps no process alive by itself. */
export class Watch {
  readonly #everyMs: number
  readonly #onTick: () => boolean
  readonly #expected = new Set<NodeJS.Timeout>()
  #timer: NodeJS.Timeout | undefined

  /** @param onTick says whether to go on. */
  constructor(everyMs: number, onTick: () => boolean) {
    this.#everyMs = everyMs
    this.#onTick = onTick
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      if (!this.#onTick()) this.#end()
    }, this.#everyMs)
  }

  /** Calls `then` in `ms`, unless it is stopped before. */
  expect(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#expected.delete(timer)
      then()
    }, ms)
    this.#expected.add(timer)
  }

  stop(): void {
    this.#end()
    for (const timer of this.#expected) clearTimeout(timer)
    this.#expected.clear()
  }

  #end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
