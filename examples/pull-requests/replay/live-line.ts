/** Where progress is shown: standard error, which leaves standard output to the result. */
interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Nobody reads faster; and a log should not be mostly progress. */
const EVERY_MS = { terminal: 50, log: 1000 }

/** A line that changes in place on a terminal; elsewhere a new line, once a second at the most. */
export class LiveLine {
  readonly #stream: Stream
  #last = ''
  #writtenAt = -Infinity

  constructor(stream: Stream = process.stderr) {
    this.#stream = stream
  }

  show(text: string): void {
    const { isTTY, columns } = this.#stream
    const now = performance.now()
    if (text === this.#last || now - this.#writtenAt < EVERY_MS[isTTY ? 'terminal' : 'log']) return
    this.#writtenAt = now
    this.#last = text
    this.#stream.write(isTTY ? `\r\u001B[2K${text.slice(0, (columns || 80) - 1)}` : `${text}\n`)
  }

  /** Leaves `text` as the last word. */
  end(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\u001B[2K${text}\n`)
    else if (text !== this.#last) this.#stream.write(`${text}\n`)
    this.#last = ''
  }
}
