import { orAborted } from '../core/abort.ts'
import { Emitter } from '../core/events.ts'
import type { Duration } from '../core/duration.ts'
import { InvalidOptionError, ShutdownError, StateError, toError } from '../core/errors.ts'
import { checkOptions, unknownName, type Checked } from '../core/options.ts'
import { Service } from '../core/service.ts'
import type { KillCause } from '../core/telemetry.ts'
import type { OptionsOf, WorkerHandle } from '../worker/handle.ts'
import { refuseInChild } from '../worker/placement/child-scope.ts'
import type { AnyWorker, WorkerClass } from '../worker/placement/runner.ts'
import { makeSlot } from './make-slot.ts'
import { checkNames, living, type Member } from './member.ts'
import { reload } from './reload.ts'
import { runForever } from './run-forever.ts'
import type { ServerEvents } from './server-events.ts'
import { SERVER_RULES, type ServerOptions, type ServerStatus } from './server-options.ts'
import { killAll, shutDown } from './shutdown.ts'
import { restartRulesOf, type SupervisionOptions } from './supervision-options.ts'
import { Supervisor } from './supervisor.ts'
import { WorkerGroup } from './worker-group.ts'

/**
 * Minds workers: starts them in order, starts those again that fail, stops them in reverse, and sees that the
 * process ends as it should.
 *
 *     await new Server().add(mailWorker).add(Watcher, { path: '/var/log/app.log' }).runForever()
 */
export class Server extends Service {
  readonly events: Emitter<ServerEvents> = new Emitter()
  readonly #options: Checked<typeof SERVER_RULES>
  readonly #supervisor: Supervisor
  readonly #targets = new Set<object>()
  #phase: 'idle' | 'starting' | 'started' | 'stopping' = 'idle'
  #wasStarted = false
  #isQuiet = false
  #reloading: Promise<void> | undefined
  #interrupt = new AbortController()
  #hurry = new AbortController()
  #killed: readonly string[] = []
  #givenUp: readonly string[] = []
  #isForever = false

  /** @throws InvalidOptionError naming the option. */
  constructor(options?: ServerOptions) {
    super()
    this.#options = checkOptions('Server', SERVER_RULES, options)
    const { strategy, shutdownTimeout: stopTimeoutMs, logger } = this.#options
    this.#supervisor = new Supervisor({
      ...restartRulesOf(this.#options),
      ...{ strategy, stopTimeoutMs, logger },
      onGiveUp: ({ name }, error, reason) => this.#giveUp(name, error, reason),
    })
  }

  /** True from the end of the first start on: what a startup probe asks. */
  get isStarted(): boolean {
    return this.#wasStarted
  }

  /** True while it takes work: from the end of start to the moment a stop is asked, unless it is quiet. */
  get isReady(): boolean {
    return this.#phase === 'started' && !this.#isQuiet
  }

  /** False once a worker had to be killed or was given up; stays true while draining. */
  get isLive(): boolean {
    return this.#killed.length + this.#givenUp.length === 0 && !this.#hurry.signal.aborted
  }

  /** The workers, those of groups too, in the order in which they were added. */
  get workers(): readonly WorkerHandle[] {
    return this.#supervisor.members.flatMap(({ handles }) => handles)
  }

  /**
   * Adds a worker, a class to make one of, or a group. Added to a running server, it is started at once; should
   * that fail, it is logged and the others go on.
   * @throws InvalidOptionError when it or its name is here already; StateError while the server is stopping.
   */
  add(worker: AnyWorker, supervision?: SupervisionOptions): this
  add(group: WorkerGroup): this
  add<Class extends WorkerClass>(
    workerClass: Class,
    ...rest: [...options: OptionsOf<Class>, supervision?: SupervisionOptions]
  ): this
  add(target: AnyWorker | WorkerClass | WorkerGroup, first?: object, second?: object): this {
    if (this.#phase === 'stopping') throw new StateError('cannot add a worker while the server is stopping')
    const isClass = typeof target === 'function'
    if (!isClass && this.#targets.has(target)) {
      throw new InvalidOptionError('worker', `expected worker to be added once, got ${target.name} again`)
    }
    const member = this.#memberOf(target, first, second)
    checkNames(this.#supervisor.members, member)
    this.#targets.add(target)
    this.#supervisor.add(member)
    if (target instanceof WorkerGroup) {
      target.events.on('failed', ({ worker, error, reason }) => this.#giveUp(worker, error, reason))
    }
    if (this.#isQuiet) member.quiet()
    if (this.#phase === 'started') this.#startLate(member)
    return this
  }

  /** The same as `add`. */
  readonly addWorker: this['add'] = this.add.bind(this)

  /** @throws InvalidOptionError when there is none of that name, with the nearest one. */
  get(name: string): WorkerHandle {
    const handle = this.workers.find((candidate) => candidate.name === name)
    if (handle !== undefined) return handle
    const names = this.workers.map((worker) => worker.name)
    throw unknownName('worker', name, names)
  }

  status(): ServerStatus {
    const { isStarted, isReady, isLive, workers } = this
    return { isStarted, isReady, isLive, workers: workers.map((handle) => handle.status()) }
  }

  /**
   * Starts the workers in the order in which they were added. One that cannot start is tried again, as its
   * restart policy says; when it is given up, those before it are stopped again and the start rejects with its
   * error. Rejects with a ShutdownError when a stop comes before it is done.
   * @throws StateError (as a rejection) in the thread or process of a worker.
   */
  override async start(): Promise<void> {
    refuseInChild('Server.start()')
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
    this.#beginToStop('it was asked to stop')
    this.#supervisor.close(new ShutdownError('the server is stopping'))
    this.#interrupt.abort(new ShutdownError('the server was stopped before all its workers had started'))
    return super.stop()
  }

  /** Gives all living workers up at once, and cuts a stop short. Waits about a second at most. */
  async kill(cause: KillCause): Promise<void> {
    const { members } = this.#supervisor
    this.#supervisor.close(cause.error)
    this.#killed = living(members).map(({ name }) => name)
    // First of all, in the context of the caller.
    const killing = killAll(members, cause)
    this.#hurry.abort(cause)
    this.#interrupt.abort(cause.error)
    this.#beginToStop(cause.error.message)
    await killing
  }

  /** Asks all workers to take no new work; what they have in hand goes on. `isReady` is false until `resume`. */
  quiet(): void {
    this.#setQuiet(true)
  }

  resume(): void {
    this.#setQuiet(false)
  }

  /**
   * Rolling reload: replaces the workers one at a time, each new one ready before the next is touched. A second
   * call during a reload gives the same promise.
   * @throws what a new worker could not start for; it was given up then, and the others go on as they are.
   */
  reload(): Promise<void> {
    if (this.#phase !== 'started') {
      return Promise.reject(new StateError('expected the server to be started before it is reloaded'))
    }
    this.#reloading ??= this.#reload().finally(() => (this.#reloading = undefined))
    return this.#reloading
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
    refuseInChild('Server.runForever()')
    const { logger, exitOnUncaught, watchdog, watchdogThreshold } = this.#options
    if (this.#isForever) throw new StateError('expected runForever to be called once, it is running already')
    if (this.#supervisor.members.length === 0) {
      logger.warn({}, 'the server has no workers, so it ends at once')
    }
    this.#isForever = true
    try {
      return await runForever(this, {
        ...{ logger, exitOnUncaught, watchdog, watchdogThreshold },
        ended: () => this.#supervisor.ended(),
        outcome: () => ({ failed: this.#failed(), killed: this.#killed }),
      })
    } finally {
      this.#isForever = false
    }
  }

  protected override async onStart(): Promise<void> {
    const { members } = this.#supervisor
    this.#phase = 'starting'
    this.#hurry = new AbortController()
    this.#killed = []
    this.#givenUp = []
    this.#supervisor.open()
    const { signal } = this.#interrupt
    try {
      // Workers added meanwhile are started by this loop too.
      for (const member of members) {
        signal.throwIfAborted()
        await orAborted(this.#supervisor.start(member), signal)
      }
      signal.throwIfAborted()
      this.#phase = 'started'
      this.#wasStarted = true
      this.events.emit('ready', { workers: this.workers.length })
    } catch (error) {
      await this.onStop()
      throw error
    }
  }

  protected override async onStop(): Promise<void> {
    this.#phase = 'stopping'
    this.#supervisor.close(new ShutdownError('the server is stopping'))
    const { shutdownTimeout: timeoutMs, logger } = this.#options
    const killed = await shutDown(this.#supervisor.members, { timeoutMs, logger, hurry: this.#hurry.signal })
    this.#killed = [...new Set([...this.#killed, ...killed])]
    this.#phase = 'idle'
    this.events.emit('stopped', { killed: this.#killed })
  }

  #beginToStop(reason: string): void {
    if (this.#phase !== 'started' && this.#phase !== 'starting') return
    this.#phase = 'stopping'
    this.events.emit('stopping', { reason })
  }

  #startLate(member: Member): void {
    this.#supervisor.start(member).catch((thrown: unknown) => {
      if (this.#phase === 'started') this.#giveUp(member.name, toError(thrown), 'cannot start')
    })
  }

  #memberOf(target: AnyWorker | WorkerClass | WorkerGroup, first?: object, second?: object): Member {
    if (target instanceof WorkerGroup) return target
    const [options, supervision] =
      typeof target === 'function' ? [{ logger: this.#options.logger, ...first }, second] : [undefined, first]
    return makeSlot(target, options, supervision, (slot, cause) => this.#supervisor.recycle(slot, cause))
  }

  #setQuiet(isQuiet: boolean): void {
    if (this.#isQuiet === isQuiet) return
    this.#isQuiet = isQuiet
    for (const member of this.#supervisor.members) {
      if (isQuiet) member.quiet()
      else member.resume()
    }
    this.events.emit('quiet', { isQuiet })
  }

  async #reload(): Promise<void> {
    this.events.emit('reloading', { workers: this.workers.length })
    try {
      await reload(this.#supervisor, this.#options.logger)
    } finally {
      if (this.#phase === 'started') this.events.emit('ready', { workers: this.workers.length })
    }
  }

  #giveUp(worker: string, error: Error, reason: string): void {
    const { logger, onGiveUp } = this.#options
    this.#givenUp = [...this.#givenUp, worker]
    logger.error(
      { worker, err: error },
      `worker ${worker} ${reason} and is given up: the server is unhealthy`,
    )
    this.events.emit('unhealthy', { worker, error })
    if (onGiveUp !== 'exit') return
    this.#beginToStop(`worker ${worker} was given up`)
    void this.stop()
  }

  #failed(): string[] {
    return [...new Set([...this.#givenUp, ...this.#supervisor.failed().map(({ name }) => name)])]
  }
}
