import { MillhandError, toError } from '../../core/errors.ts'
import type { Emitter } from '../../core/events.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import { errorFromWire } from '../../core/wire-error.ts'
import { isAlive, nextState, type Move, type Restart, type WorkerState } from '../lifecycle.ts'
import type { Placement } from '../status.ts'
import type { Channel, ChildExit, OpenChannel } from './channel.ts'
import { HeldClaims } from './claims.ts'
import { checkCopyable } from './copyable.ts'
import { exitError, type Progress } from './exit-error.ts'
import type { CheckedPlacement } from './placement-options.ts'
import {
  causeToWire,
  restartToWire,
  unpack,
  type Boot,
  type FromChild,
  type ToChild,
  type Work,
} from './protocol.ts'
import { checkEveryMs, StallWatch } from './stall-watch.ts'
import type { Tally } from './tally.ts'

/** A loop that does not answer within this time is blocked, and cannot be asked for anything. */
const ANSWER_MS = 100
/** What a worker may take to save what it can when it is given up, and then to exit. */
const KILL_GRACE_MS = 1000
/** What the exit may take after the last message. */
const EXIT_MS = 1000
/** What the end may take after that; a thread inside execSync and the like cannot be ended before it returns. */
const GONE_MS = 2000

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

/** One thread or process of a worker, from its start to its exit, as its supervisor sees it. */
export class RemoteLife {
  readonly #options: RemoteOptions
  readonly #logger: Logger
  readonly #tally: Tally
  readonly #watch: StallWatch
  readonly #started = Promise.withResolvers<void>()
  readonly #answered = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  readonly #claims = new HeldClaims()
  #id = ''
  #state: WorkerState = 'starting'
  #progress: Progress = 'load'
  #channel: Channel | undefined
  #error: Error | undefined
  #killed: KillCause | undefined
  #stopAskedAt = Infinity
  /** It has begun to end: also the answer to a stop. */
  #isStopping = false

  constructor(options: RemoteOptions, logger: Logger, tally: Tally) {
    this.#options = options
    this.#logger = logger
    this.#tally = tally
    this.#watch = new StallWatch(options.settings.stallThreshold, (forMs) => void this.#onStall(forMs))
    // Not everybody who starts a worker waits for it: its failure is told by events, too.
    this.#started.promise.catch(() => {})
  }

  /** Of the worker in the child; empty until that was made. */
  get id(): string {
    return this.#id
  }

  get state(): WorkerState {
    return this.#state
  }

  get error(): Error | undefined {
    return this.#error
  }

  get pid(): number | undefined {
    return this.#channel?.pid
  }

  get threadId(): number | undefined {
    return this.#channel?.threadId
  }

  get started(): Promise<void> {
    return this.#started.promise
  }

  /** Resolves at the exit. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Begins it. Failures are told by `started`. */
  open(restart: Restart | undefined): void {
    const { placement, open, name, options, settings } = this.#options
    const { execArgv, env, resourceLimits } = settings
    try {
      checkCopyable(options, placement, name)
      this.#channel = open(
        { name, execArgv, env, resourceLimits },
        { onMessage: (message) => this.#hear(message), onExit: (exit) => this.#onExit(exit) },
      )
    } catch (thrown) {
      const error = toError(thrown)
      this.#report(error)
      this.#end(error)
      return
    }
    this.post({ kind: 'boot', boot: this.#boot(restart) })
  }

  stop(): Promise<void> {
    if (this.#move('stop')) {
      this.#stopAskedAt = performance.now()
      this.post({ kind: 'stop' })
    }
    return this.ended
  }

  /** @throws InvalidOptionError when the message cannot be copied. */
  send(message: unknown): void {
    checkCopyable({ message }, this.#options.placement, this.#options.name)
    this.post({ kind: 'message', message })
  }

  post(message: ToChild): void {
    this.#channel?.post(message)
  }

  async kill(cause: KillCause): Promise<void> {
    const channel = this.#channel
    if (!isAlive(this.#state) || channel === undefined) return
    // What has said its last word has ended by itself, and only its exit is waited for.
    if (this.#killed === undefined && this.#progress !== 'ended') {
      this.#killed = cause
      this.#move('stop')
      this.#options.events.emit('killed', { worker: this.#options.name, cause })
      channel.post({ kind: 'kill', cause: causeToWire(cause) })
      const canSave = this.#mayAnswer() && (await settledWithin(this.#answered.promise, ANSWER_MS))
      if (!canSave || !(await settledWithin(this.ended, KILL_GRACE_MS))) channel.terminate()
    }
    if (await settledWithin(this.ended, GONE_MS)) return
    this.#logger.error(
      {},
      `worker ${this.#options.name} cannot be ended: its ${this.#options.placement} is inside a call of the system; it is left`,
    )
  }

  /** Without a worker there is nothing to save; who has not heard that it is to stop will not hear this either. */
  #mayAnswer(): boolean {
    const isDeaf = !this.#isStopping && performance.now() - this.#stopAskedAt > ANSWER_MS
    return this.#progress !== 'load' && !isDeaf
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
        this.#isStopping = true
        if (this.#state === 'running') this.#move('done')
        break
      case 'event':
        if (message.event === 'startup') this.#onStartup()
        this.#options.events.emit(
          message.event as 'startup',
          // What a worker sent on purpose was copied as it is.
          (message.event === 'message' ? message.value : unpack(message.value)) as WorkerEvents['startup'],
        )
        break
      case 'claims':
        this.#claims.note(message.claims, message.isHeld)
        break
      case 'log':
        this.#logger[message.level](unpack(message.fields) as object, message.message)
        break
      case 'usage':
        this.#tally.note(message.work, message.usage)
        this.#watch.beat()
        this.#options.events.emit('usage', { worker: this.#options.name, ...message.usage })
        break
      case 'killing':
        this.#answered.resolve()
        break
      case 'ended':
        this.#leave(message.error === undefined ? undefined : errorFromWire(message.error), message.work)
        break
      case 'failed':
        // What it was killed for, it only says back.
        if (message.during === 'life' && this.#killed !== undefined)
          return this.#leave(this.#killed.error, message.work)
        this.#leave(errorFromWire(message.error), message.work)
        // What setup threw, the worker has logged and emitted itself.
        if (message.during !== 'setup') this.#report(this.#error!)
    }
  }

  #onStartup(): void {
    this.#progress = 'life'
    this.#move('ready')
    this.#started.resolve()
  }

  /** It has said its last word. */
  #leave(error: Error | undefined, work: Work | undefined): void {
    this.#progress = 'ended'
    this.#error = error
    if (work !== undefined) this.#tally.note(work, undefined)
    this.#watch.stop()
    void this.#awaitExit()
  }

  async #awaitExit(): Promise<void> {
    if (!(await settledWithin(this.ended, EXIT_MS))) this.#channel?.terminate()
  }

  #onExit(exit: ChildExit): void {
    let error = this.#error ?? this.#killed?.error
    if (this.#progress !== 'ended' && error === undefined) {
      error = exitError({ exit, progress: this.#progress, ...this.#options, pid: this.#channel?.pid })
      this.#report(error)
    }
    this.#watch.stop()
    this.#channel = undefined
    // Before it counts as ended: whoever waits for that may end the process that gives them back.
    if (this.#claims.isEmpty) this.#end(error)
    else void this.#claims.release(this.#logger).then(() => this.#end(error))
  }

  #end(error: Error | undefined): void {
    this.#watch.stop()
    this.#channel = undefined
    this.#tally.end()
    this.#error = error
    this.#move('done')
    this.#move(error === undefined ? 'ended' : 'failed')
    this.#options.events.emit('shutdown', { worker: this.#options.name, error })
    if (error === undefined) this.#started.resolve()
    else this.#started.reject(error)
    this.#ended.resolve()
  }

  #report(error: Error): void {
    this.#logger.error({ err: error }, `worker ${this.#options.name} failed`)
    this.#options.events.emit('error', { worker: this.#options.name, error })
  }

  async #onStall(forMs: number): Promise<void> {
    const { name, events, settings } = this.#options
    const channel = this.#channel
    if (channel === undefined) return
    const stack = await channel.sampleStack()
    if (this.#channel !== channel) return
    const ms = Math.round(forMs)
    const cause = `its event loop is blocked${stack === undefined ? '' : ` at\n${stack}`}`
    this.#logger.error({ forMs: ms, stack }, `worker ${name} is stalled: its event loop is blocked`)
    events.emit('stalled', { worker: name, cause, forMs })
    channel.post({ kind: 'stalled', cause, forMs })
    if (settings.onStall !== 'kill') return
    const error = new MillhandError(
      'WORKER_STALLED',
      `worker ${name} gave no sign of life for ${ms} ms (stallThreshold ${settings.stallThreshold} ms): ${cause}`,
    )
    await this.kill({ kind: 'stalled', error })
  }

  #move(move: Move): boolean {
    const next = nextState(this.#state, move)
    if (next !== undefined) this.#state = next
    return next !== undefined
  }
}
