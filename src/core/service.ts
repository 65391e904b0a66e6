import { toError } from './errors.ts'

/**
 * The start and stop contract of everything here that runs.
 *
 * `start` twice starts once; `stop` before `start` is fine and does nothing; `stop` twice stops once; `stop`
 * during `start` waits for the start and then stops; what was stopped can be started again.
 */
export abstract class Service {
  #isRunning = false
  /** What was asked last: true for start. */
  #wanted = false
  /** The start or stop that was asked last; each waits for the one before it. */
  #last: Promise<void> = Promise.resolve()

  /** True from the end of start to the beginning of stop. */
  get running(): boolean {
    return this.#isRunning
  }

  start(): Promise<void> {
    if (!this.#wanted) this.#ask(true, () => this.#start())
    return this.#last
  }

  stop(): Promise<void> {
    if (this.#wanted) this.#ask(false, () => this.#stop())
    return this.#last
  }

  /** Opens what is needed. When it throws, nothing may be left open. */
  protected abstract onStart(): Promise<void> | void
  /** Closes what `onStart` opened. */
  protected abstract onStop(): Promise<void> | void

  #ask(wanted: boolean, step: () => Promise<void>): void {
    this.#wanted = wanted
    const asked: Promise<void> = this.#last
      .catch(() => {})
      .then(step)
      .catch((thrown: unknown) => {
        // Failed, and nothing was asked since: it is stopped, and another start is a new one.
        if (this.#last === asked) {
          this.#wanted = false
          this.#last = Promise.resolve()
        }
        throw toError(thrown)
      })
    this.#last = asked
  }

  async #start(): Promise<void> {
    await this.onStart()
    this.#isRunning = true
  }

  async #stop(): Promise<void> {
    // Its start failed.
    if (!this.#isRunning) return
    this.#isRunning = false
    await this.onStop()
  }
}
