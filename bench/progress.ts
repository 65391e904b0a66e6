/** Tells people, on standard error, what is going on: one line that changes, or one a case where lines stay. */
export class Progress {
  readonly #stream = process.stderr
  #last = ''

  /** @param line what goes on; @param group lines of the same group are one where they cannot be replaced. */
  now(line: string, group: string): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\u001B[K${line}`)
    else if (group !== this.#last) this.#stream.write(`${group}\n`)
    this.#last = group
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001B[K')
  }
}
