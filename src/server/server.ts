import type { Duration } from '../core/duration.ts'
import { InvalidOptionError, ShutdownError, StateError, toError } from '../core/errors.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { boolean, checkOptions, custom, duration, optional, unknownName } from '../core/options.ts'
import { Service } from '../core/service.ts'
import type { KillCause } from '../core/telemetry.ts'
import { WorkerHandle, type OptionsOf } from '../worker/handle.ts'
import type { AnyWorker, WorkerClass } from '../worker/placement/runner.ts'
import type { WorkerStatus } from '../worker/status.ts'
import { living, type Member } from './member.ts'
import { runForever } from './run-forever.ts'
import { killAll, shutDown } from './shutdown.ts'

export interface ServerOptions {
  /** What a graceful stop may take, all workers together. Default: 30s. */
  readonly shutdownTimeout?: Duration
  /** Also the logger of the workers that the server makes. Default: one on standard error. */
  readonly logger?: Logger
  /** Whether `runForever` ends the process, with code 1, at an exception that nobody caught. Default: true. */
  readonly exitOnUncaught?: boolean
}

/** How one worker is looked after. */
export interface AddOptions {
  /** What it may take to stop once it is asked. Default: what is left of the server's shutdownTimeout. */
  readonly stopTimeout?: Duration
}

export interface ServerStatus {
  readonly isReady: boolean
  readonly isLive: boolean
  readonly workers: readonly WorkerStatus[]
}

const rules = {
  shutdownTimeout: duration({ default: '30s' }),
  logger: custom<Logger>('a logger such as pino', isLogger, () => createLogger()),
  exitOnUncaught: boolean(true),
}
const addRules = { stopTimeout: optional(duration({ default: 0 })) }

/**
 * Minds workers: starts them in order, stops them in reverse, and sees that the process ends as it should.
 *
 *     await new Server().add(mailWorker).add(Watcher, { path: '/var/log/app.log' }).runForever()
 */
export class Server extends Service {
  readonly #options: { shutdownTimeout: number; logger: Logger; exitOnUncaught: boolean }
  readonly #members: Member[] = []
  readonly #targets = new Set<object>()
  #phase: 'idle' | 'starting' | 'started' | 'stopping' = 'idle'
  #interrupt = new AbortController()
  #hurry = new AbortController()
  #killed: readonly string[] = []
  #isForever = false

  /** @throws InvalidOptionError naming the option. */
  constructor(options?: ServerOptions) {
    super()
    this.#options = checkOptions('Server', rules, options)
  }

  /** True while it takes work: from the end of start to the moment a stop is asked. */
  get isReady(): boolean {
    return this.#phase === 'started' && !this.#hurry.signal.aborted
  }

  /** False once a worker had to be killed; stays true while draining. */
  get isLive(): boolean {
    return this.#killed.length === 0 && !this.#hurry.signal.aborted
  }

  /** The workers, in the order in which they were added. */
  get workers(): readonly WorkerHandle[] {
    return this.#members.map(({ handle }) => handle)
  }

  /**
   * Adds a worker, or a class to make one of. Added to a running server, it is started at once; should that fail,
   * it is logged and the others go on.
   * @throws InvalidOptionError when it or its name is here already; StateError while the server is stopping.
   */
  add(worker: AnyWorker, supervision?: AddOptions): this
  add<Class extends WorkerClass>(
    workerClass: Class,
    ...rest: [...options: OptionsOf<Class>, supervision?: AddOptions]
  ): this
  add(target: AnyWorker | WorkerClass, first?: object, second?: object): this {
    const isClass = typeof target === 'function'
    const { stopTimeout } = checkOptions('Server.add', addRules, isClass ? second : first)
    if (this.#phase === 'stopping') throw new StateError('cannot add a worker while the server is stopping')
    if (!isClass && this.#targets.has(target)) {
      throw new InvalidOptionError('worker', `expected worker to be added once, got ${target.name} again`)
    }
    const handle = isClass
      ? new WorkerHandle(target, { logger: this.#options.logger, ...first })
      : new WorkerHandle(target)
    if (this.workers.some(({ name }) => name === handle.name)) {
      throw new InvalidOptionError(
        'name',
        `expected the name of a worker to be unique, got a second "${handle.name}"; give one of them another name`,
      )
    }
    this.#targets.add(target)
    this.#members.push({ handle, stopTimeoutMs: stopTimeout })
    // The worker has logged why it failed, and its state says so.
    if (this.#phase === 'started') handle.start().catch(() => {})
    return this
  }

  /** The same as `add`. */
  readonly addWorker: this['add'] = this.add.bind(this)

  /** @throws InvalidOptionError when there is none of that name, with the nearest one. */
  get(name: string): WorkerHandle {
    const handle = this.workers.find((candidate) => candidate.name === name)
    if (handle !== undefined) return handle
    throw unknownName(
      'worker',
      name,
      this.workers.map((worker) => worker.name),
    )
  }

  status(): ServerStatus {
    const workers = this.workers.map((handle) => handle.status())
    return { isReady: this.isReady, isLive: this.isLive, workers }
  }

  /**
   * Starts the workers in the order in which they were added. When one fails, those before it are stopped again
   * and the start rejects with its error. Rejects with a ShutdownError when a stop comes before it is done.
   */
  override start(): Promise<void> {
    if (this.#phase === 'idle') this.#phase = 'starting'
    // Each start has its own, so that a stop also reaches a start that still waits for the last stop.
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController()
    return super.start()
  }

  /**
   * Stops the workers gracefully, in reverse, and kills those that miss their deadline. Bounded, and never rejects.
   * Safe before start, twice, and during a start, which it interrupts.
   */
  override stop(): Promise<void> {
    if (this.#phase !== 'idle') this.#phase = 'stopping'
    this.#interrupt.abort(new ShutdownError('the server was stopped before all its workers had started'))
    return super.stop()
  }

  /** Gives all living workers up at once, and cuts a stop short. Waits about a second at most. */
  async kill(cause: KillCause): Promise<void> {
    this.#killed = living(this.#members).map(({ handle }) => handle.name)
    const killing = killAll(this.#members, cause)
    this.#hurry.abort(cause)
    this.#interrupt.abort(cause.error)
    await killing
  }

  /** Waits for the end of every worker, each for `timeout`. @returns true when all have ended. */
  async joinAll(options: { readonly timeout?: Duration } = {}): Promise<boolean> {
    const ended = await Promise.all(this.workers.map((handle) => handle.join(options.timeout)))
    return ended.every(Boolean)
  }

  /**
   * Starts, then minds the process: the first SIGTERM or SIGINT stops gracefully, a second one or a missed
   * deadline kills and ends the process with 1, and so does an exception that nobody caught. Ends by itself when
   * every worker has ended. Signal handlers are taken away again.
   * @returns the exit code, which is set as `process.exitCode`: 0, or 1 when a worker failed.
   */
  async runForever(): Promise<number> {
    const { logger, exitOnUncaught } = this.#options
    if (this.#isForever) throw new StateError('expected runForever to be called once, it is running already')
    if (this.#members.length === 0) logger.warn({}, 'the server has no workers, so it ends at once')
    this.#isForever = true
    try {
      return await runForever({
        logger,
        exitOnUncaught,
        start: () => this.start(),
        stop: () => this.stop(),
        kill: (cause) => this.kill(cause),
        ended: () => this.#ended(),
        outcome: () => ({ failed: this.#failed(), killed: this.#killed }),
      })
    } finally {
      this.#isForever = false
    }
  }

  protected override async onStart(): Promise<void> {
    this.#phase = 'starting'
    this.#hurry = new AbortController()
    this.#killed = []
    const { signal } = this.#interrupt
    try {
      // Workers added meanwhile are started by this loop too.
      for (const { handle } of this.#members) {
        signal.throwIfAborted()
        await Promise.race([handle.start(), rejectOnAbort(signal)])
      }
      signal.throwIfAborted()
      this.#phase = 'started'
    } catch (error) {
      await this.onStop()
      throw error
    }
  }

  protected override async onStop(): Promise<void> {
    this.#phase = 'stopping'
    const { shutdownTimeout: timeoutMs, logger } = this.#options
    const killed = await shutDown(this.#members, { timeoutMs, logger, hurry: this.#hurry.signal })
    this.#killed = [...new Set([...this.#killed, ...killed])]
    this.#phase = 'idle'
  }

  /** Resolves when nobody is alive, those included who were added or started again meanwhile. */
  async #ended(): Promise<void> {
    while (living(this.#members).length > 0) await this.joinAll()
  }

  #failed(): string[] {
    return this.workers.filter(({ state }) => state === 'failed').map(({ name }) => name)
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(toError(signal.reason)), { once: true })
  })
}

function isLogger(value: unknown): boolean {
  return typeof Reflect.get(Object(value), 'child') === 'function'
}
