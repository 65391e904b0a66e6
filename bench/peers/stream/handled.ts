const EVERY = 256

/** Tells the sender from time to time how many messages are handled. */
export class Handled {
  readonly #tell: (count: number) => void
  #count = 0
  #told = 0

  constructor(tell: (count: number) => void) {
    this.#tell = tell
  }

  add(count: number): void {
    this.#count += count
    if (this.#count - this.#told >= EVERY) this.say()
  }

  say(): void {
    this.#told = this.#count
    this.#tell(this.#count)
  }
}
