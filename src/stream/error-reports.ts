/** How often errors are told, ms: of a worker that fails with each message nobody wants to read each. */
const EVERY_MS = 1000

/** Tells the first of many errors at once, and the number of those that came since, a second later. */
export class ErrorReports {
  readonly #tell: (error: Error, key: string, further: number) => void
  #last: { readonly error: Error; readonly key: string } | undefined
  #count = 0
  #timer: NodeJS.Timeout | undefined

  /** @param tell hears of an error, and of how many others there were since it was called last. */
  constructor(tell: (error: Error, key: string, further: number) => void) {
    this.#tell = tell
  }

  add(error: Error, key: string): void {
    if (this.#timer === undefined) {
      this.#tell(error, key, 0)
      this.#timer = setTimeout(() => this.#next(), EVERY_MS).unref()
      return
    }
    this.#last = { error, key }
    this.#count++
  }

  /** Tells what has not been told. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#flush()
  }

  #next(): void {
    this.#timer = undefined
    if (this.#flush()) this.#timer = setTimeout(() => this.#next(), EVERY_MS).unref()
  }

  #flush(): boolean {
    const last = this.#last
    if (last === undefined) return false
    this.#tell(last.error, last.key, this.#count - 1)
    this.#last = undefined
    this.#count = 0
    return true
  }
}
