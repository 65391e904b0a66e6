/**
 * Looks at what runs, a few times within the shortest span that matters, and only while something runs: one
 * timer for all jobs instead of one for each.
 */
export class Sweep {
  readonly #everyMs: number
  readonly #look: () => boolean
  #timer: NodeJS.Timeout | undefined

  /**
   * @param shortestMs the shortest timeout or lease; looked at ten times within it, at least every 250 ms.
   * @param look does the looking; false ends it until the next start.
   */
  constructor(shortestMs: number, look: () => boolean) {
    this.#everyMs = Math.min(250, Math.max(5, shortestMs / 10))
    this.#look = look
  }

  start(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#look()) this.start()
    }, this.#everyMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
