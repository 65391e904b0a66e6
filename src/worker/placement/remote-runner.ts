import { toMs, type Duration } from '../../core/duration.ts'
import { StateError } from '../../core/errors.ts'
import type { Emitter } from '../../core/events.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import { isAlive, isHearing, type Restart, type WorkerState } from '../lifecycle.ts'
import type { WorkerStatus } from '../status.ts'
import { RemoteLife, type RemoteOptions } from './remote-life.ts'
import type { Runner } from './runner.ts'
import { Tally } from './tally.ts'

/** A worker in a thread or process, as its supervisor sees it. Each life is a thread or process of its own. */
export class RemoteRunner implements Runner {
  readonly #options: RemoteOptions
  readonly #logger: Logger
  readonly #tally = new Tally()
  #life: RemoteLife | undefined
  #startedAt: number | undefined
  #restart: Restart | undefined

  constructor(options: RemoteOptions) {
    this.#options = options
    this.#logger = options.logger.child({ worker: options.name })
  }

  get name(): string {
    return this.#options.name
  }

  get events(): Emitter<WorkerEvents> {
    return this.#options.events
  }

  get id(): string {
    return this.#life?.id ?? ''
  }

  get state(): WorkerState {
    return this.#life?.state ?? 'new'
  }

  get error(): Error | undefined {
    return this.#life?.error
  }

  start(restart?: Restart): Promise<void> {
    const last = this.#life
    if (last?.state === 'stopping') {
      return Promise.reject(
        new StateError(
          `expected worker ${this.name} to have ended before it is started again; await its stop() or join()`,
        ),
      )
    }
    if (last !== undefined && isAlive(last.state)) return last.started
    this.#restart = restart ?? this.#restart
    this.#startedAt = Date.now()
    this.#tally.begin()
    const life = new RemoteLife(this.#options, this.#logger, this.#tally)
    this.#life = life
    life.open(restart)
    return life.started
  }

  async stop(): Promise<void> {
    await this.#life?.stop()
  }

  quiet(): void {
    this.#life?.post({ kind: 'quiet' })
  }

  resume(): void {
    this.#life?.post({ kind: 'resume' })
  }

  send(message: unknown): void {
    if (!isHearing(this.state)) {
      throw new StateError(
        `expected worker ${this.name} to be running to send it a message; it is ${this.state}`,
      )
    }
    this.#life!.send(message)
  }

  async kill(cause: KillCause): Promise<void> {
    await this.#life?.kill(cause)
  }

  async join(timeout?: Duration): Promise<boolean> {
    const ms = timeout === undefined ? undefined : toMs(timeout, 'timeout')
    const ended = this.#life?.ended ?? Promise.resolve()
    if (ms !== undefined) return settledWithin(ended, ms)
    await ended
    return true
  }

  status(): WorkerStatus {
    const { name, id, state } = this
    return {
      ...{ name, id, state, isRunning: state === 'running', ...this.#tally.totals },
      ...{ startedAt: this.#startedAt, placement: this.#options.placement, usage: this.#tally.usage },
      ...{ pid: this.#life?.pid, threadId: this.#life?.threadId },
      ...{ restarts: this.#restart?.restarts ?? 0, lastCause: this.#restart?.cause },
    }
  }
}
