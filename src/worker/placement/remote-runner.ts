import { toMs, type Duration } from '../../core/duration.ts'
import { MillhandError, StateError } from '../../core/errors.ts'
import type { Emitter } from '../../core/events.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import { errorFromWire } from '../../core/wire-error.ts'
import { isAlive, nextState, type Move, type Restart, type WorkerState } from '../lifecycle.ts'
import type { Placement, WorkerStatus } from '../status.ts'
import type { Channel, ChildExit, OpenChannel } from './channel.ts'
import { checkCopyable } from './copyable.ts'
import { exitError, type Progress } from './exit-error.ts'
import type { CheckedPlacement } from './placement-options.ts'
import { causeToWire, restartToWire, unpack, type Boot, type FromChild, type ToChild } from './protocol.ts'
import type { Runner } from './runner.ts'
import { checkEveryMs, StallWatch } from './stall-watch.ts'
import { Tally } from './tally.ts'

/** A loop that does not answer within this time is blocked, and cannot be asked for anything. */
const ANSWER_MS = 100
/** What a worker may take to save what it can when it is given up, and then to exit. */
const KILL_GRACE_MS = 1000
/** What the exit may take after the last message. */
const EXIT_MS = 2000

export interface RemoteOptions {
  readonly placement: Exclude<Placement, 'inline'>
  readonly open: OpenChannel
  readonly name: string
  readonly className: string
  readonly module: string
  /** For the constructor in the child; without name and logger. */
  readonly options: object
  readonly logger: Logger
  readonly settings: CheckedPlacement
  readonly events: Emitter<WorkerEvents>
}

/** A worker in a thread or process, as its supervisor sees it. Each life is a thread or process of its own. */
export class RemoteRunner implements Runner {
  readonly name: string
  readonly events: Emitter<WorkerEvents>
  readonly #options: RemoteOptions
  readonly #logger: Logger
  readonly #watch: StallWatch
  readonly #tally = new Tally()
  #id = ''
  #state: WorkerState = 'new'
  #channel: Channel | undefined
  #progress: Progress = 'load'
  #started = Promise.withResolvers<void>()
  #ended = Promise.withResolvers<void>()
  #answered = Promise.withResolvers<void>()
  #startedAt: number | undefined
  #restart: Restart | undefined
  #error: Error | undefined
  #killed: KillCause | undefined

  constructor(options: RemoteOptions) {
    this.#options = options
    this.name = options.name
    this.events = options.events
    this.#logger = options.logger.child({ worker: options.name })
    this.#watch = new StallWatch(options.settings.stallThreshold, (forMs) => void this.#onStall(forMs))
    this.#ended.resolve()
  }

  get id(): string {
    return this.#id
  }

  get state(): WorkerState {
    return this.#state
  }

  get error(): Error | undefined {
    return this.#error
  }

  start(restart?: Restart): Promise<void> {
    if (this.#state === 'stopping') {
      return Promise.reject(
        new StateError(
          `expected worker ${this.name} to have ended before it is started again; await its stop()`,
        ),
      )
    }
    if (!this.#move('start')) return this.#started.promise
    this.#restart = restart ?? this.#restart
    this.#progress = 'load'
    this.#error = undefined
    this.#killed = undefined
    this.#startedAt = Date.now()
    this.#tally.begin()
    this.#started = Promise.withResolvers()
    // Not everybody who starts a worker waits for it: its failure is told by events, too.
    this.#started.promise.catch(ignore)
    this.#ended = Promise.withResolvers()
    this.#answered = Promise.withResolvers()
    this.#open(restart)
    return this.#started.promise
  }

  stop(): Promise<void> {
    if (this.#move('stop')) this.#post({ kind: 'stop' })
    return this.#ended.promise
  }

  quiet(): void {
    this.#post({ kind: 'quiet' })
  }

  resume(): void {
    this.#post({ kind: 'resume' })
  }

  send(message: unknown): void {
    if (this.#state !== 'running') {
      throw new StateError(
        `expected worker ${this.name} to be running to send it a message; it is ${this.#state}`,
      )
    }
    checkCopyable({ message }, this.#options.placement, this.name)
    this.#post({ kind: 'message', message })
  }

  async kill(cause: KillCause): Promise<void> {
    const channel = this.#channel
    if (!isAlive(this.#state) || channel === undefined) return
    const ended = this.#ended.promise
    if (this.#killed === undefined) {
      this.#killed = cause
      this.#move('stop')
      this.events.emit('killed', { worker: this.name, cause })
      channel.post({ kind: 'kill', cause: causeToWire(cause) })
      // Without a worker there is nothing to save.
      const canSave = this.#progress !== 'load' && (await settledWithin(this.#answered.promise, ANSWER_MS))
      if (!canSave || !(await settledWithin(ended, KILL_GRACE_MS))) channel.terminate()
    }
    await ended
  }

  async join(timeout?: Duration): Promise<boolean> {
    if (timeout !== undefined) return settledWithin(this.#ended.promise, toMs(timeout, 'timeout'))
    await this.#ended.promise
    return true
  }

  status(): WorkerStatus {
    return {
      name: this.name,
      id: this.#id,
      state: this.#state,
      isRunning: this.#state === 'running',
      ...this.#tally.totals,
      startedAt: this.#startedAt,
      placement: this.#options.placement,
      pid: this.#channel?.pid,
      threadId: this.#channel?.threadId,
      restarts: this.#restart?.restarts ?? 0,
      lastCause: this.#restart?.cause,
      usage: this.#tally.usage,
    }
  }

  #open(restart: Restart | undefined): void {
    const { placement, open, name, options, settings } = this.#options
    let channel: Channel | undefined
    try {
      checkCopyable(options, placement, name)
      channel = open(
        { name, execArgv: settings.execArgv, env: settings.env, resourceLimits: settings.resourceLimits },
        {
          onMessage: (message) => this.#hear(message),
          onExit: (exit) => this.#onExit(exit),
        },
      )
    } catch (thrown) {
      this.#end(thrown as Error)
      return
    }
    this.#channel = channel
    this.#post({ kind: 'boot', boot: this.#boot(restart) })
  }

  #boot(restart: Restart | undefined): Boot {
    const { placement, name, className, module, options, settings } = this.#options
    return {
      ...{ placement, module, className, name, options },
      restart: restart === undefined ? undefined : restartToWire(restart),
      beatMs: checkEveryMs(settings.stallThreshold),
      stallMs: settings.stallThreshold,
      isDebug: this.#logger.isLevelEnabled?.('debug') ?? false,
    }
  }

  #hear(message: FromChild): void {
    switch (message.kind) {
      case 'made':
        this.#id = message.id
        this.#progress = 'setup'
        this.#watch.start()
        break
      case 'stopping':
        if (this.#state === 'running') this.#move('done')
        break
      case 'event':
        if (message.event === 'startup') this.#onStartup()
        this.events.emit(message.event as 'startup', unpack(message.value) as WorkerEvents['startup'])
        break
      case 'log':
        this.#logger[message.level](unpack(message.fields) as object, message.message)
        break
      case 'usage':
        this.#tally.note(message.work, message.usage)
        this.#watch.beat()
        this.events.emit('usage', { worker: this.name, ...message.usage })
        break
      case 'killing':
        this.#answered.resolve()
        break
      case 'ended':
        this.#tally.note(message.work, undefined)
        this.#leave('ended', message.error === undefined ? undefined : errorFromWire(message.error))
        break
      case 'failed':
        this.#leave('ended', errorFromWire(message.error))
        // What setup threw, the worker has logged and emitted itself.
        if (message.during !== 'setup' && this.#killed === undefined) this.#report(this.#error!)
    }
  }

  #onStartup(): void {
    this.#progress = 'life'
    this.#move('ready')
    this.#started.resolve()
  }

  /** It has said its last word. */
  #leave(progress: Progress, error: Error | undefined): void {
    this.#progress = progress
    this.#error = error
    this.#watch.stop()
    const channel = this.#channel
    void settledWithin(this.#ended.promise, EXIT_MS).then((isGone) => isGone || channel?.terminate())
  }

  #onExit(exit: ChildExit): void {
    let error = this.#error ?? this.#killed?.error
    if (this.#progress !== 'ended' && error === undefined) {
      error = exitError({ exit, progress: this.#progress, ...this.#options, pid: this.#channel?.pid })
      this.#report(error)
    }
    this.#end(error)
  }

  #end(error: Error | undefined): void {
    this.#watch.stop()
    this.#channel = undefined
    this.#tally.end()
    this.#error = error
    this.#move('done')
    this.#move(error === undefined ? 'ended' : 'failed')
    this.events.emit('shutdown', { worker: this.name, error })
    if (error === undefined) this.#started.resolve()
    else this.#started.reject(error)
    this.#ended.resolve()
  }

  #report(error: Error): void {
    this.#logger.error({ err: error }, `worker ${this.name} failed`)
    this.events.emit('error', { worker: this.name, error })
  }

  async #onStall(forMs: number): Promise<void> {
    const channel = this.#channel
    if (channel === undefined || !isAlive(this.#state)) return
    const { onStall, stallThreshold } = this.#options.settings
    const stack = await channel.sampleStack()
    const cause = `its event loop is blocked${stack === undefined ? '' : ` at\n${stack}`}`
    this.#logger.error(
      { forMs: Math.round(forMs), stack },
      `worker ${this.name} is stalled: its event loop is blocked`,
    )
    this.events.emit('stalled', { worker: this.name, cause, forMs })
    channel.post({ kind: 'stalled', cause, forMs })
    if (onStall !== 'kill' || this.#channel !== channel) return
    const error = new MillhandError(
      'WORKER_STALLED',
      `worker ${this.name} gave no sign of life for ${Math.round(forMs)} ms (stallThreshold ${stallThreshold} ms): ${cause}`,
    )
    await this.kill({ kind: 'stalled', error })
  }

  #post(message: ToChild): void {
    this.#channel?.post(message)
  }

  #move(move: Move): boolean {
    const next = nextState(this.#state, move)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }
}

function ignore(): void {}
