import { STREAM_AHEAD } from '../protocol.ts'

/** How many values the reader of a stream still wants. */
export class StreamCredit {
  #left = STREAM_AHEAD
  #wake: (() => void) | undefined

  get isSpent(): boolean {
    return this.#left <= 0
  }

  spend(): void {
    this.#left--
  }

  add(count: number): void {
    this.#left += count
    this.wake()
  }

  /** Resolves when there may be more, or when the waiting is in vain. */
  changed(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  wake(): void {
    this.#wake?.()
  }
}
