/** How many messages are on the way to a worker that says from time to time how many it has handled. */
export class Window {
  readonly #size: number
  #posted = 0
  #handled = 0
  #waiting: { readonly until: number; readonly resolve: () => void } | undefined

  constructor(size: number) {
    this.#size = size
  }

  /** @returns what is to be waited for before the next. */
  post(): Promise<void> | undefined {
    this.#posted++
    return this.#posted - this.#handled < this.#size ? undefined : this.#reach(this.#posted - this.#size / 2)
  }

  drained(): Promise<void> {
    return this.#reach(this.#posted)
  }

  handled(count: number): void {
    this.#handled = count
    if (this.#waiting === undefined || count < this.#waiting.until) return
    this.#waiting.resolve()
    this.#waiting = undefined
  }

  #reach(until: number): Promise<void> {
    if (this.#handled >= until) return Promise.resolve()
    return new Promise((resolve) => (this.#waiting = { until, resolve }))
  }
}
