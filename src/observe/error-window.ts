const SLOTS = 10

/**
 * Successes and failures of the last while: a bad hour long ago must not make a worker look ill for ever. Kept in
 * ten slots, so what is counted reaches back between nine tenths of the window and the whole of it.
 */
export class ErrorWindow {
  readonly #slotMs: number
  readonly #turns = new Float64Array(SLOTS).fill(-1)
  readonly #done = new Float64Array(SLOTS)
  readonly #failed = new Float64Array(SLOTS)

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS
  }

  /** @param nowMs of a clock that never goes back. */
  add(nowMs: number, done: number, failed: number): void {
    const turn = Math.floor(nowMs / this.#slotMs)
    const slot = turn % SLOTS
    if (this.#turns[slot] !== turn) {
      this.#turns[slot] = turn
      this.#done[slot] = 0
      this.#failed[slot] = 0
    }
    this.#done[slot]! += done
    this.#failed[slot]! += failed
  }

  sum(nowMs: number): { readonly done: number; readonly failed: number } {
    const oldest = Math.floor(nowMs / this.#slotMs) - SLOTS + 1
    let done = 0
    let failed = 0
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#turns[slot]! < oldest) continue
      done += this.#done[slot]!
      failed += this.#failed[slot]!
    }
    return { done, failed }
  }
}
