import { toError } from './errors.ts'

/**
 * The start and stop contract of everything here that runs.
 *
 * `start` twice starts once; `stop` before `start` is fine and does nothing; `stop` twice stops once; `stop`
 * during `start` waits for the start and then stops; what was stopped can be started again.
 */
export abstract class Service {
  #state: 'idle' | 'starting' | 'running' | 'stopping' = 'idle'
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /** True from the end of start to the beginning of stop. */
  get running(): boolean {
    return this.#state === 'running'
  }

  start(): Promise<void> {
    if (this.#starting !== undefined && this.#stopping === undefined) return this.#starting
    this.#starting = this.#start(this.#stopping)
    return this.#starting
  }

  stop(): Promise<void> {
    if (this.#starting === undefined) return Promise.resolve()
    this.#stopping ??= this.#stop(this.#starting)
    return this.#stopping
  }

  /** Opens what is needed. When it throws, nothing may be left open. */
  protected abstract onStart(): Promise<void> | void
  /** Closes what `onStart` opened. */
  protected abstract onStop(): Promise<void> | void

  async #start(afterStop: Promise<void> | undefined): Promise<void> {
    await afterStop?.catch(() => {})
    this.#state = 'starting'
    try {
      await this.onStart()
      this.#state = 'running'
    } catch (error) {
      this.#state = 'idle'
      this.#starting = undefined
      throw toError(error)
    }
  }

  async #stop(starting: Promise<void>): Promise<void> {
    const started = await starting.then(
      () => true,
      () => false,
    )
    try {
      if (!started) return
      this.#state = 'stopping'
      await this.onStop()
    } finally {
      this.#state = 'idle'
      if (this.#starting === starting) this.#starting = undefined
      this.#stopping = undefined
    }
  }
}
