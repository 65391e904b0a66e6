import { MillhandError, toError, WorkerExitError } from '../core/errors.ts'
import { errorFromWire } from '../core/wire-error.ts'
import { CrewMember } from './crew-member.ts'
import type { Line, LineListener, OpenLine } from './line.ts'
import type { CheckedPool } from './pool-options.ts'
import { LEFT, type FromWorker } from './protocol.ts'

export interface CrewListener {
  onReady(names: readonly string[]): void
  onMessage(member: CrewMember, message: FromWorker): void
  /** It could not load its module or set up. Comes before its exit, if it ever lived. */
  onBroken(error: Error): void
  /** @param isCrash whether it had worked, and nobody had asked it to end. */
  onExit(member: CrewMember, exit: WorkerExitError, isCrash: boolean): void
}

/** What teardown may take, ms. */
const TEARDOWN_MS = 10_000
/** How often a worker says what it uses, ms: more often where something hangs on it. */
const USAGE_MS = 1000
const USAGE_OFTEN_MS = 250

/** The workers of a pool: started, closed, and missed. */
export class Crew {
  readonly members: Set<CrewMember> = new Set()
  readonly #options: CheckedPool
  readonly #open: OpenLine
  readonly #module: string
  readonly #listener: CrewListener

  constructor(module: string, options: CheckedPool, open: OpenLine, listener: CrewListener) {
    this.#module = module
    this.#options = options
    this.#open = open
    this.#listener = listener
  }

  /** Those that work or will. */
  get size(): number {
    let count = 0
    for (const { state } of this.members) if (state === 'starting' || state === 'ready') count++
    return count
  }

  /** Those that are not ready yet. */
  get starting(): number {
    let count = 0
    for (const { state } of this.members) if (state === 'starting') count++
    return count
  }

  /** True when at least one could be given work. */
  get isWorking(): boolean {
    for (const { state } of this.members) if (state === 'ready') return true
    return false
  }

  start(): void {
    const { execArgv, env, resourceLimits, workerData, maxMemory } = this.#options
    const { concurrencyPerWorker: concurrency, maxTasksPerWorker: maxTasks = Infinity } = this.#options
    const usageMs = maxMemory === undefined && concurrency === 1 ? USAGE_MS : USAGE_OFTEN_MS
    let member: CrewMember | undefined
    let line: Line | undefined
    try {
      line = this.#open(
        { execArgv, env, resourceLimits },
        this.#listenerFor(() => member!),
      )
      member = new CrewMember(line, { concurrency, maxTasks })
      this.members.add(member)
      line.post({ kind: 'boot', boot: { module: this.#module, workerData, concurrency, usageMs } })
    } catch (thrown) {
      const error = toError(thrown)
      if (member !== undefined) this.members.delete(member)
      line?.terminate()
      this.#listener.onBroken(
        new MillhandError('MODULE_LOAD', `a worker of the pool cannot be started: ${error.message}`, {
          cause: error,
        }),
      )
    }
  }

  /** To be called when it has nothing in hand: it tears down and exits. */
  close(member: CrewMember): void {
    if (member.state === 'gone' || member.closingAt !== undefined) return
    member.state = 'retiring'
    member.closingAt = performance.now()
    member.line.post({ kind: 'close' })
  }

  /** Ends what takes too long to start or to tear down. @returns true when one is still at either. */
  lookAfter(now: number): boolean {
    const { startTimeout, logger } = this.#options
    let isPending = false
    for (const member of this.members) {
      if (member.endedFor !== undefined) isPending = true
      else if (member.state === 'starting') {
        isPending = true
        if (now - member.startedAt < startTimeout) continue
        const text = `a worker of the pool did not load its module and set up within ${startTimeout} ms (startTimeout)`
        member.end(new MillhandError('START_TIMEOUT', text))
      } else if (member.closingAt !== undefined) {
        isPending = true
        if (now - member.closingAt < TEARDOWN_MS) continue
        logger.warn({ ms: TEARDOWN_MS }, 'the teardown of a worker of the pool takes too long: it is ended')
        member.end(new MillhandError('SHUTDOWN', 'its teardown took too long'))
      }
    }
    return isPending
  }

  #listenerFor(memberOf: () => CrewMember): LineListener {
    /** What it said it ended of. */
    let cause: Error | undefined
    return {
      onMessage: (message) => {
        const member = memberOf()
        if (!this.members.has(member)) return
        if (message === LEFT || Array.isArray(message)) {
          this.#listener.onMessage(member, message)
        } else if (message.kind === 'ready') {
          member.isReady(message.names)
          this.#listener.onReady(message.names)
        } else if (message.kind === 'failed') {
          cause = errorFromWire(message.error)
          if (member.closingAt !== undefined) {
            this.#options.logger.error({ err: cause }, 'the teardown of a worker of the pool failed')
          }
        } else {
          this.#listener.onMessage(member, message)
        }
      },
      onExit: ({ exitCode, signal, error }) => {
        const member = memberOf()
        if (!this.members.delete(member)) return
        const wasStarting = member.state === 'starting'
        member.state = 'gone'
        const exit = this.#exitError(exitCode, signal, member.endedFor ?? cause ?? error)
        if (wasStarting) this.#listener.onBroken(member.endedFor ?? cause ?? exit)
        const wasAsked = member.closingAt !== undefined || member.endedFor !== undefined
        this.#listener.onExit(member, exit, !wasStarting && !wasAsked)
      },
    }
  }

  #exitError(
    exitCode: number | undefined,
    signal: string | undefined,
    cause: Error | undefined,
  ): WorkerExitError {
    const { placement } = this.#options
    const how = signal === undefined ? `exited with code ${exitCode}` : `was ended by ${signal}`
    const why = cause === undefined ? '' : `: ${cause.message}`
    return new WorkerExitError(`its ${placement} ${how}${why}`, {
      ...{ exitCode, signal },
      ...(cause === undefined ? {} : { cause }),
    })
  }
}
