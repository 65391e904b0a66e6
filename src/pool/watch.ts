/**
 * A clock that ticks while there is something to look after. It is what keeps the process alive while there is
 * work, since the workers do not.
 */
export class Watch {
  readonly #everyMs: number
  readonly #onTick: () => 'work' | 'upkeep' | 'nothing'
  #timer: NodeJS.Timeout | undefined

  /** @param onTick says what there is: work keeps the process alive, upkeep does not. */
  constructor(everyMs: number, onTick: () => 'work' | 'upkeep' | 'nothing') {
    this.#everyMs = everyMs
    this.#onTick = onTick
  }

  /** To be called when there is work. */
  start(): void {
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#tick(), this.#everyMs)
    else this.#timer.ref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const what = this.#onTick()
    if (what === 'nothing') this.stop()
    else if (what === 'upkeep') this.#timer?.unref()
    else this.#timer?.ref()
  }
}
