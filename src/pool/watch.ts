/** So many ticks in a row with nothing to look after, and it stops. */
const QUIET_TICKS = 100

/**
 * A clock that ticks while there is something to look after, and for a while longer: to make a timer anew for each task
 * costs more than the tick of one that is there. It is what keeps the process alive while there is work, since the
 * workers do not.
 */
export class Watch {
  readonly #everyMs: number
  readonly #onTick: () => 'work' | 'upkeep' | 'nothing'
  #timer: NodeJS.Timeout | undefined
  #quietTicks = 0

  /** @param onTick says what there is: work keeps the process alive, upkeep does not. */
  constructor(everyMs: number, onTick: () => 'work' | 'upkeep' | 'nothing') {
    this.#everyMs = everyMs
    this.#onTick = onTick
  }

  /** To be called when there is work. */
  start(): void {
    this.#quietTicks = 0
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#tick(), this.#everyMs)
    else this.#timer.ref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const what = this.#onTick()
    this.#quietTicks = what === 'nothing' ? this.#quietTicks + 1 : 0
    if (this.#quietTicks === QUIET_TICKS) this.stop()
    else if (what === 'work') this.#timer?.ref()
    else this.#timer?.unref()
  }
}
