/** What a function of a pool has as its `this`. */
export interface TaskContext {
  /** Aborts when the task is cancelled and when its timeout is over. */
  readonly signal: AbortSignal
  /** Says how far it is: `task.progress` on the other side, the event `progress` of the pool. */
  progress(value: unknown): void
}

/** Made for each task; what is rarely looked at is made when it is. */
export class WorkContext implements TaskContext {
  /** Hears of an abort beside the signal. */
  onAbort: ((reason: Error) => void) | undefined
  /** Why it was aborted, if it was. */
  reason: Error | undefined
  /** It has said something, by messages that its result is not to overtake. */
  hasSpoken = false
  readonly #number: number
  readonly #report: (number: number, value: unknown) => void
  #controller: AbortController | undefined

  constructor(number: number, report: (number: number, value: unknown) => void) {
    this.#number = number
    this.#report = report
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.reason !== undefined) this.#controller.abort(this.reason)
    return this.#controller.signal
  }

  progress(value: unknown): void {
    this.hasSpoken = true
    this.#report(this.#number, value)
  }

  abort(reason: Error): void {
    this.reason = reason
    this.#controller?.abort(reason)
    this.onAbort?.(reason)
  }
}
