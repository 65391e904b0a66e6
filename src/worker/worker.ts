import { isAbortOf } from '../core/abort.ts'
import { toMs, type Duration } from '../core/duration.ts'
import { ShutdownError, StateError, toError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { randomText } from '../core/id.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../core/telemetry.ts'
import { isAlive, isHearing, nextState } from './lifecycle.ts'
import type { LifecycleEvent, Move, Restart, WorkerState } from './lifecycle.ts'
import { defaultName } from './name.ts'
import { Sleeps } from './sleeps.ts'
import { inlineStatus, type WorkerStatus } from './status.ts'
import { checkWorkerOptions, type WorkerOptions } from './worker-options.ts'

/** Notifies a worker of what its supervisor saw, as if it had seen that itself. */
export let tell: (worker: Worker<object, object>, event: LifecycleEvent) => Promise<void>

/**
 * Code with a life: `setup`, then `main`, then `teardown`, with `lifecycle` told of what happens.
 *
 *     class Watcher extends Worker<{ path: string }> {
 *       override async main() {
 *         while (this.isRunning) {
 *           await look(this.options.path, { signal: this.signal })
 *           await this.sleep('1s')
 *         }
 *       }
 *     }
 *
 * `main` must return soon after `isRunning` turns false: look at it in every loop, hand `signal` to whatever
 * waits, sleep with `this.sleep`. An AbortError thrown because of that signal is an ordinary end. A worker that
 * wants to end returns from `main`; awaiting its own `stop()` inside a hook would wait for itself.
 */
export abstract class Worker<
  Options extends object = object,
  Context extends object = Record<string, unknown>,
> {
  /** Random, new for each instance. */
  readonly id: string = randomText(16)
  readonly name: string
  readonly options: Readonly<Options & WorkerOptions>
  /** A bag for what setup opens and main, teardown and lifecycle use. Kept when the worker starts again. */
  readonly context: Context = {} as Context
  readonly events: Emitter<WorkerEvents>
  readonly logger: Logger

  #state: WorkerState = 'new'
  #life = new AbortController()
  #started: Promise<void> = Promise.resolve()
  #ended: Promise<void> = Promise.resolve()
  #startedAt: number | undefined
  #error: Error | undefined
  #killed: { readonly cause: KillCause; done: Promise<void> } | undefined
  readonly #sleeps: Sleeps
  #restart: Restart | undefined
  #isQuiet = false
  #isInMain = false

  static {
    tell = (worker, event) => worker.notify(event)
  }

  /** @throws InvalidOptionError when options is not an object, or name or logger cannot be one. */
  constructor(options?: Options & WorkerOptions) {
    checkWorkerOptions(options)
    this.options = Object.freeze({ ...options }) as Readonly<Options & WorkerOptions>
    this.name = this.options.name ?? defaultName(new.target.name)
    this.#sleeps = new Sleeps(this.name)
    this.logger = (this.options.logger ?? createLogger()).child({ worker: this.name })
    this.events = new Emitter((err, event) => {
      this.logger.error({ err, event }, `a listener of "${event}" failed`)
    })
  }

  get state(): WorkerState {
    return this.#state
  }

  /** True from the end of setup until a stop is asked or main ends; false before start and after death. */
  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Of the present life. Aborts when a stop is asked, at a kill, and when main has ended. */
  get signal(): AbortSignal {
    return this.#life.signal
  }

  /** True while it is asked to take no new work. Queue workers and periodic ones look at it themselves. */
  get isQuiet(): boolean {
    return this.#isQuiet
  }

  /** What the last life failed with: the first of what setup, main or teardown threw, or the cause of a kill. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Work that waits for this worker, as far as it knows. */
  get queueSize(): number {
    return 0
  }

  /** Pieces of work done since it was made. */
  get processedCount(): number {
    return 0
  }

  /** Pieces of work that failed since it was made; none of them is counted as processed too. */
  get errorCount(): number {
    return 0
  }

  status(): WorkerStatus {
    return inlineStatus(this, this.#startedAt, this.#restart)
  }

  /**
   * Begins a life. Resolves when setup is done and `startup` was emitted, while main runs on; also when a stop
   * came during setup, in which case main is left out. Rejects, after teardown, with what setup threw. A second
   * call during a life gives the same promise; after its end the worker can be started again.
   * @param restart why, when a supervisor starts it again: the event `restart` says so after `startup`.
   * @throws StateError (as a rejection) while the last life is still stopping.
   */
  start(restart?: Restart): Promise<void> {
    if (this.#state === 'stopping') {
      return Promise.reject(
        new StateError(
          `expected worker ${this.name} to have ended before it is started again; await its stop() or join()`,
        ),
      )
    }
    if (!this.#move('start')) return this.#started
    if (this.#life.signal.aborted) this.#life = new AbortController()
    this.#error = undefined
    this.#killed = undefined
    this.#isQuiet = false
    this.#restart = restart ?? this.#restart
    this.#startedAt = Date.now()
    const started = Promise.withResolvers<void>()
    this.#started = started.promise
    this.#ended = this.#live(started, restart)
    return started.promise
  }

  /** Asks for a graceful end and waits for it. Never rejects; harmless before start, twice, and during setup. */
  stop(): Promise<void> {
    if (this.#move('stop')) this.#life.abort(new ShutdownError(`worker ${this.name} was asked to stop`))
    return this.#ended
  }

  /**
   * Gives up on the present life: `onKill` is called at once, in the caller's async context. Resolves when it is
   * done and never rejects; does not wait for main, which inline code cannot be made to leave.
   */
  kill(cause: KillCause): Promise<void> {
    if (!isAlive(this.#state)) return Promise.resolve()
    if (this.#killed === undefined) {
      this.#killed = { cause, done: Promise.resolve() }
      this.#killed.done = this.#attempt('onKill', () => this.onKill(cause)).then(() => {})
      this.#move('stop')
      void this.notify({ type: 'killed', worker: this.name, cause })
      this.#life.abort(cause.error)
    }
    return this.#killed.done
  }

  /** Asks it to take no new work: what it has in hand goes on. Undone by `resume`, and by the next start. */
  quiet(): void {
    if (this.#isQuiet) return
    this.#isQuiet = true
    void this.#attempt('onQuiet', () => this.onQuiet(true))
  }

  resume(): void {
    if (!this.#isQuiet) return
    this.#isQuiet = false
    void this.#attempt('onQuiet', () => this.onQuiet(false))
  }

  /** Waits for the end. @returns true when it has ended (or never began), false when `timeout` was over first. */
  async join(timeout?: Duration): Promise<boolean> {
    const ms = timeout === undefined ? undefined : toMs(timeout, 'timeout')
    if (ms !== undefined) return settledWithin(this.#ended, ms)
    await this.#ended
    return true
  }

  /** Opens what main needs. Default: nothing. */
  protected setup(): void | Promise<void> {}

  /** The work. When it returns, the worker has ended; when it throws, the worker has failed. */
  protected abstract main(): void | Promise<void>

  /** Closes what setup opened. Runs whenever setup was begun, even when that failed half-way. */
  protected teardown(): void | Promise<void> {}

  /** Hears what happens to this worker. What it throws is logged and changes nothing. */
  protected lifecycle(_event: LifecycleEvent): void | Promise<void> {}

  /**
   * Hears when it is asked to take no new work, and when that is over. What it throws is logged and emitted as
   * `error`. Default: nothing; see `isQuiet`.
   */
  protected onQuiet(_isQuiet: boolean): void {}

  /**
   * Hears a message of `handle.send()`, also while it stops, up to the end of main. What it throws is logged and emitted
   * as `error`. Default: nothing.
   */
  protected receive(_message: unknown): void | Promise<void> {}

  /** Sends a message to whoever minds this worker: the event `message` of its handle. */
  protected message(message: unknown): void {
    this.events.emit('message', { worker: this.name, message })
  }

  /** The last chance to save something before the worker is given up. Default: nothing. */
  protected onKill(_cause: KillCause): void | Promise<void> {}

  /** Sleeps; false when a stop cut it short. Leaves no timer behind. @throws StateError at 10,000 at a time. */
  protected sleep(duration: Duration): Promise<boolean> {
    return this.#sleeps.begin(duration, this.#life.signal)
  }

  /** Emits a lifecycle event, then tells `lifecycle()`. Resolves when that is done; never rejects. */
  protected async notify(event: LifecycleEvent): Promise<void> {
    this.events.emit(event.type, event)
    try {
      await this.lifecycle(event)
    } catch (err) {
      this.logger.error({ err, event: event.type }, 'lifecycle() failed')
    }
  }

  /** One life, from setup to the end of the `shutdown` event. Never rejects. */
  async #live(started: PromiseWithResolvers<void>, restart: Restart | undefined): Promise<void> {
    const setupError = await this.#attempt('setup', () => this.setup())
    let error = setupError
    if (setupError === undefined) {
      if (this.#move('ready')) {
        await this.notify({ type: 'startup', worker: this.name })
        if (restart !== undefined) await this.notify({ type: 'restart', worker: this.name, ...restart })
      }
      started.resolve()
      this.#isInMain = this.isRunning
      if (this.#isInMain) error = await this.#attempt('main', () => this.main())
      this.#isInMain = false
    }
    this.#move('done')
    this.#life.abort(new ShutdownError(`worker ${this.name} has ended`))
    const teardownError = await this.#attempt('teardown', () => this.teardown())
    error ??= teardownError ?? this.#killed?.cause.error
    this.#error = error
    this.#move(error === undefined ? 'ended' : 'failed')
    await this.notify({ type: 'shutdown', worker: this.name, error })
    if (setupError !== undefined) started.reject(setupError)
  }

  /**
   * Hands a message to `receive`. One that comes after the end of main is heard by nobody.
   * @throws StateError when it is neither running nor stopping.
   */
  send(message: unknown): void {
    if (!isHearing(this.#state)) {
      throw new StateError(
        `expected worker ${this.name} to be running to send it a message; it is ${this.state}`,
      )
    }
    if (this.isRunning || this.#isInMain) void this.#attempt('receive', () => this.receive(message))
  }

  /** Runs a hook. Its failure is logged, emitted and returned. */
  async #attempt(hook: string, run: () => void | Promise<void>): Promise<Error | undefined> {
    try {
      await run()
      return undefined
    } catch (thrown) {
      const error = toError(thrown)
      // Only what ran when the stop came can be cut short by it: teardown begins after it.
      if (hook !== 'teardown' && isAbortOf(this.#life.signal, error)) return undefined
      this.logger.error({ err: error }, `${hook} failed`)
      await this.notify({ type: 'error', worker: this.name, error })
      return error
    }
  }

  #move(move: Move): boolean {
    const next = nextState(this.#state, move)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }
}
