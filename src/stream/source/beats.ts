import { toError } from '../../core/errors.ts'
import { after } from '../../core/timer.ts'

export interface BeatsOptions {
  /** What is done each time. */
  readonly round: () => Promise<void>
  /** From the end of one to the beginning of the next, ms. */
  readonly everyMs: number
  /** The same after one that failed, ms. */
  readonly retryMs: number
  readonly onError: (error: Error) => void
}

/** Changes come in crowds: of those within so long one is looked at, and not by all members at one time, ms. */
const HINT_SPREAD_MS = 20

/** Does something again and again, one time after the other: in a rhythm, and soon after a hint. */
export class Beats {
  readonly #options: BeatsOptions
  #cancel: (() => void) | undefined
  #nextAt = Infinity
  #beating: Promise<Error | undefined> | undefined
  #isHinted = false
  #isOver = false

  constructor(options: BeatsOptions) {
    this.#options = options
  }

  /** The first time. @returns what it failed with, if it did. */
  start(): Promise<Error | undefined> {
    return this.#beat()
  }

  /** It is worth doing soon, and once more if it is just being done. */
  hint(): void {
    this.#isHinted = true
    if (this.#beating === undefined) this.#plan(Math.random() * HINT_SPREAD_MS)
  }

  /** Never again; resolves when the last time is over. */
  async stop(): Promise<void> {
    this.#isOver = true
    this.#cancel?.()
    await this.#beating
  }

  #plan(ms: number): void {
    const at = performance.now() + ms
    if (this.#isOver || (this.#cancel !== undefined && at >= this.#nextAt)) return
    this.#cancel?.()
    this.#nextAt = at
    this.#cancel = after(ms, () => void this.#beat())
  }

  #beat(): Promise<Error | undefined> {
    this.#cancel = undefined
    this.#isHinted = false
    this.#beating = this.#options.round().then(
      () => this.#beaten(),
      (error: unknown) => this.#beaten(toError(error)),
    )
    return this.#beating
  }

  #beaten(error?: Error): Error | undefined {
    const { everyMs, retryMs, onError } = this.#options
    this.#beating = undefined
    if (error !== undefined && !this.#isOver) onError(error)
    const next = error === undefined ? everyMs : retryMs
    this.#plan(this.#isHinted ? Math.random() * HINT_SPREAD_MS : next)
    return error
  }
}
