/** One timer for many reasons to wake: the earliest counts, the others are asked for again when it rang. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #at = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings in `ms`, unless it rings before that anyway. */
  atLatestIn(ms: number): void {
    const at = performance.now() + ms
    if (at >= this.#at) return
    clearTimeout(this.#timer)
    this.#at = at
    this.#timer = setTimeout(() => {
      this.#at = Infinity
      this.#ring()
    }, ms)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#at = Infinity
  }
}
