import { WorkerExitError } from '../core/errors.ts'
import { errorFromWire } from '../core/wire-error.ts'
import { CrewMember } from './crew-member.ts'
import type { Estimates } from './estimates.ts'
import type { LineListener, OpenLine } from './line.ts'
import type { CheckedPool } from './pool-options.ts'
import type { FromWorker } from './protocol.ts'

export interface CrewListener {
  onReady(member: CrewMember, names: readonly string[]): void
  onMessage(member: CrewMember, message: FromWorker): void
  /** It could not load its module or set up. Comes before its exit. */
  onBroken(member: CrewMember, error: Error): void
  onExit(member: CrewMember, error: WorkerExitError): void
}

/** The workers of a pool: started, closed, and missed. */
export class Crew {
  readonly members: Set<CrewMember> = new Set()
  readonly #options: CheckedPool
  readonly #open: OpenLine
  readonly #module: string
  readonly #estimates: Estimates
  readonly #listener: CrewListener

  constructor(
    module: string,
    options: CheckedPool,
    open: OpenLine,
    estimates: Estimates,
    listener: CrewListener,
  ) {
    this.#module = module
    this.#options = options
    this.#open = open
    this.#estimates = estimates
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

  start(): CrewMember {
    const { execArgv, env, resourceLimits, concurrencyPerWorker, workerData, maxMemory } = this.#options
    const line = this.#open(
      { execArgv, env, resourceLimits },
      this.#hear(() => member),
    )
    const member = new CrewMember(line, concurrencyPerWorker, this.#estimates)
    this.members.add(member)
    const usageMs = maxMemory === undefined ? 1000 : 250
    line.post({
      kind: 'boot',
      boot: { module: this.#module, workerData, concurrency: concurrencyPerWorker, usageMs },
    })
    return member
  }

  /** To be called when it has nothing in hand: it tears down and exits. */
  close(member: CrewMember): void {
    if (member.state === 'gone' || member.isClosing) return
    member.state = 'retiring'
    member.isClosing = true
    member.line.post({ kind: 'close' })
  }

  #hear(memberOf: () => CrewMember): LineListener {
    let broken: Error | undefined
    return {
      onMessage: (message) => {
        const member = memberOf()
        if (message.kind === 'ready') {
          if (member.state === 'starting') member.state = 'ready'
          member.lastWordAt = performance.now()
          this.#listener.onReady(member, message.names)
        } else if (message.kind === 'failed') {
          broken = errorFromWire(message.error)
          this.#listener.onBroken(member, broken)
        } else {
          this.#listener.onMessage(member, message)
        }
      },
      onExit: ({ exitCode, signal, error }) => {
        const member = memberOf()
        const wasStarting = member.state === 'starting'
        member.state = 'gone'
        this.members.delete(member)
        const how = signal === undefined ? `exited with code ${exitCode}` : `was ended by ${signal}`
        const why = error === undefined ? '' : `: ${error.message}`
        const exit = new WorkerExitError(`the ${this.#options.placement} of a pool ${how}${why}`, {
          exitCode,
          signal,
          cause: error,
        })
        if (wasStarting && broken === undefined) this.#listener.onBroken(member, exit)
        this.#listener.onExit(member, exit)
      },
    }
  }
}
