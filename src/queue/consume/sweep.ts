/**
 * Looks at what runs, a few times within the shortest span that matters, and only while something runs: one
 * timer for all jobs instead of one for each.
 */
export class Sweep {
  readonly #everyMs: number
  readonly #look: (lateMs: number) => boolean
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined
  #dueAt = Infinity

  /**
   * @param shortestMs the shortest timeout or lease; looked at ten times within it, at least every 250 ms.
   * @param look does the looking, and hears by how much it comes late; false ends it until the next start.
   */
  constructor(shortestMs: number, look: (lateMs: number) => boolean) {
    this.#everyMs = Math.min(250, Math.max(5, shortestMs / 10))
    this.#look = look
  }

  /** By how much the next look is late; negative when it is not. */
  get lateMs(): number {
    return performance.now() - this.#dueAt
  }

  start(): void {
    if (this.#timer !== undefined || this.#turn !== undefined) return
    this.#dueAt = performance.now() + this.#everyMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const { lateMs } = this
      // The loop was blocked, and timers come first after that: what has ended elsewhere meanwhile is to be heard before.
      if (lateMs > this.#everyMs) this.#turn = setImmediate(() => this.#run(lateMs))
      else this.#run(lateMs)
    }, this.#everyMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    this.#timer = undefined
    this.#turn = undefined
  }

  #run(lateMs: number): void {
    this.#turn = undefined
    if (this.#look(lateMs)) this.start()
  }
}
