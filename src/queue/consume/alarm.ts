import { after } from '../../core/timer.ts'

/** One timer for many reasons to wake: the earliest counts, the others are asked for again when it rang. */
export class Alarm {
  readonly #ring: () => void
  #cancel: () => void = () => {}
  #at = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings in `ms`, unless it rings before that anyway. */
  atLatestIn(ms: number): void {
    const at = performance.now() + ms
    if (at >= this.#at) return
    this.#cancel()
    this.#at = at
    this.#cancel = after(ms, () => {
      this.#at = Infinity
      this.#ring()
    })
  }

  stop(): void {
    this.#cancel()
    this.#at = Infinity
  }
}
