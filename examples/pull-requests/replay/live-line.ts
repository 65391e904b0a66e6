/** Where progress is shown: standard error, which leaves standard output to the result. */
interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const PLAIN_EVERY_MS = 1000

/** A line that changes in place on a terminal; elsewhere a new line, once a second at the most. */
export class LiveLine {
  readonly #stream: Stream
  #last = ''
  #writtenAt = -Infinity

  constructor(stream: Stream = process.stderr) {
    this.#stream = stream
  }

  show(text: string): void {
    if (text === this.#last) return
    if (this.#stream.isTTY) {
      this.#last = text
      this.#stream.write(`\r\u001B[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`)
      return
    }
    const now = performance.now()
    if (now - this.#writtenAt < PLAIN_EVERY_MS) return
    this.#writtenAt = now
    this.#last = text
    this.#stream.write(`${text}\n`)
  }

  /** Leaves `text` as the last word. */
  end(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\u001B[2K${text}\n`)
    else if (text !== this.#last) this.#stream.write(`${text}\n`)
    this.#last = ''
  }
}
