import { systemClock } from '../../core/clock.ts'
import { Crowd } from '../../core/crowd.ts'
import { ShutdownError } from '../../core/errors.ts'
import type { Emitter } from '../../core/events.ts'
import { randomText } from '../../core/id.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import type { MaintainReport, Outcome, QueueStats, Settlement } from '../backend.ts'
import type { AnyQueue } from '../any-queue.ts'
import { Attempt, currentAttempts, type AttemptHost } from './attempt.ts'
import type { Held } from './buffer.ts'
import { Exchange, type Trip } from './exchange.ts'
import { Fetcher, type FetcherHost } from './fetcher.ts'
import type { Gate } from './gate.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { ABORT_GRACE_MS, enforceTimeout, giveUpDeaf } from './overdue.ts'
import { errorRecord } from './outcome.ts'
import { ProgressWriter } from './progress-writer.ts'
import { Reports } from './reports.ts'
import { Settler } from './settler.ts'
import { StallWatch } from './stall.ts'
import { tellClaims } from './tell-claims.ts'
import { Sweep } from './sweep.ts'
import { Upkeep } from './upkeep.ts'
import { Verifier, type VerifierHost } from './verifier.ts'
import { watchmanOf } from './watchman.ts'

export interface ConsumerOptions {
  readonly queue: AnyQueue
  readonly worker: string
  readonly logger: Logger
  readonly events: Emitter<WorkerEvents>
  readonly gate: Gate
  readonly leaseMs: number
  /** Longest time of an attempt, ms; null: none. */
  readonly timeoutMs: number | null
  readonly types: () => readonly string[]
  /** Runs attempts that begin together; each of them ends by `attempt.end`. */
  readonly run: (attempts: readonly Attempt[]) => void
  /** Hands back what waits elsewhere for longer than that, ms. */
  readonly handBack: (heldMs: number) => void
  readonly onIdle: () => void
  /** The event loop stood still, perhaps for one of our jobs. */
  readonly onStall: (cause: string, forMs: number) => void
}

/**
 * One life of one queue worker's consuming side: claim, run, settle, with the leases kept and the store in order.
 * The parts do the work; this class gives each what it needs of the others.
 */
export class Consumer implements AttemptHost, FetcherHost, VerifierHost {
  readonly queue: AnyQueue
  readonly queueName: string
  readonly logger: Logger
  /** New in each life, so that no claim of an earlier one can be mistaken for ours. */
  readonly owner: string = randomText(12)
  readonly settler: Settler = new Settler()
  readonly gate: Gate
  readonly leaseMs: number
  readonly renewForMs: number | null
  processed = 0
  failures = 0
  readonly #options: ConsumerOptions
  readonly #running = new Crowd<Attempt>()
  readonly #exchange: Exchange
  readonly #fetcher: Fetcher
  readonly #keeper: LeaseKeeper
  readonly #upkeep: Upkeep
  readonly #sweep: Sweep
  readonly #stalls = new StallWatch()
  readonly #progress: ProgressWriter
  readonly #verifier: Verifier
  readonly #reports: Reports
  #unwatch: () => void = () => {}
  #waiting = 0

  constructor(options: ConsumerOptions) {
    const { queue, gate, leaseMs, timeoutMs, logger } = options
    const { backend } = queue
    this.#options = options
    this.queue = queue
    this.queueName = queue.name
    this.logger = logger
    this.gate = gate
    this.leaseMs = leaseMs
    this.renewForMs = timeoutMs === null ? null : timeoutMs + ABORT_GRACE_MS + leaseMs
    this.#reports = new Reports(options.worker, queue.name, options.events)
    const onError = (thrown: unknown): void => this.#reports.error(thrown)
    this.#exchange = new Exchange(backend, this.#reports)
    this.#fetcher = new Fetcher(this, this.#exchange)
    const running = (): Iterable<Attempt> => this.#running
    this.#keeper = new LeaseKeeper({ queue, owner: this.owner, leaseMs, running, onError })
    const types = (): readonly string[] => this.types()
    const onReport = this.#maintained.bind(this)
    this.#upkeep = new Upkeep({ queue, leaseMs, types, onReport, onError })
    this.#sweep = new Sweep(Math.min(timeoutMs ?? Infinity, leaseMs), (lateMs) => this.#lookAtRunning(lateMs))
    this.#progress = new ProgressWriter(backend, this.settler, onError)
    this.#verifier = new Verifier(backend, queue.settings, this)
  }

  /** Rejects when the store failed in a way that waiting cannot cure. */
  get failed(): Promise<never> {
    return this.#fetcher.failed
  }

  /** Jobs that wait in the queue, as of the last upkeep less those begun since, and those that this worker holds. */
  get backlog(): number {
    return this.#waiting + this.#running.size + this.#fetcher.buffered
  }

  /** Opens the store as soon as it is there, and begins; `signal` gives up waiting. @throws what no wait can cure. */
  async start(signal: AbortSignal): Promise<void> {
    if (!(await this.#exchange.open(signal))) return
    tellClaims(this.queue, this.owner, true)
    await this.#upkeep.start()
    const hinted = (): void => {
      this.#fetcher.hint()
      this.#upkeep.stir()
    }
    this.#unwatch = watchmanOf(this.queue.backend).guard(this.queueName, hinted, this.#reports)
    this.#fetcher.start()
  }

  /**
   * Takes no more, hands back what has not begun, waits for what runs and for the store to know of it.
   * @throws what the store failed with meanwhile, if waiting cannot cure it: then it does not know of everything.
   */
  async drain(): Promise<void> {
    await this.#fetcher.drain()
    await this.#close()
    const { failure } = this.#fetcher
    if (failure !== undefined) throw failure
  }

  /** Quiet: takes no more and hands back what has not begun; what runs goes on, with its leases kept. */
  setQuiet(isQuiet: boolean): void {
    this.#fetcher.setQuiet(isQuiet)
  }

  /** There are types that it did not handle before. */
  typesChanged(): void {
    this.#fetcher.hint()
  }

  /**
   * Gives up now: handlers are aborted and their jobs handed back, all in one last call to the store. A job that
   * caused it by an exception which nobody caught is not handed back but counts a crash.
   */
  async kill(cause: KillCause): Promise<void> {
    const culprits = cause.kind === 'uncaught' ? currentAttempts() : []
    const reason = new ShutdownError(`worker ${this.#options.worker} has to end now: ${cause.error.message}`)
    for (const attempt of this.#running) {
      attempt.abort(reason)
      if (culprits.includes(attempt)) attempt.end(this.#crash(cause.error), cause.error)
      else attempt.end({ kind: 'release' }, reason)
    }
    this.#verifier.giveUp()
    void this.#fetcher.drain()
    // Its first part runs at once: a store in this process has settled before this line returns.
    const settled = this.#settleNow()
    const lastTrip = this.#fetcher.giveUp()
    await settledWithin(Promise.all([settled, lastTrip.then(() => this.#settleNow())]), ABORT_GRACE_MS)
    this.#announce()
    await settledWithin(this.#close(), ABORT_GRACE_MS)
  }

  /** One try to tell the store everything that it does not know yet. */
  async #settleNow(): Promise<void> {
    const last = this.settler.take(Infinity)
    if (last.length === 0) return
    await this.queue.backend.settle(last).catch((error: unknown) => this.#reports.error(error))
  }

  async #close(): Promise<void> {
    this.#unwatch()
    this.#sweep.stop()
    this.#progress.stop()
    await Promise.all([this.#upkeep.stop(), this.#keeper.stop()])
    tellClaims(this.queue, this.owner, false)
  }

  types(): readonly string[] {
    return this.#options.types()
  }

  running(): number {
    return this.#running.size
  }

  begin(held: readonly Held[]): void {
    const now = performance.now()
    // Counted until the next upkeep counts anew.
    this.#waiting = Math.max(0, this.#waiting - held.length)
    const attempts = held.map((one) => new Attempt(this, one, now))
    for (const attempt of attempts) this.#running.add(attempt)
    this.#sweep.start()
    this.#keeper.start()
    this.#upkeep.begun()
    this.#options.run(attempts)
  }

  leaseOver(claimedAt: number, now: number): boolean {
    return this.#keeper.mayBeLost(claimedAt, now)
  }

  settled(settlements: readonly Settlement[], { settled, repeated }: Trip): void {
    this.#reports.settled(settlements, settled, repeated)
    this.#announce()
  }

  controlChanged(): void {
    this.#keeper.check().catch((error: unknown) => this.#reports.error(error))
  }

  handBack(): void {
    this.#options.handBack(0)
  }

  idle(): void {
    this.#options.onIdle()
  }

  ended(attempt: Attempt, outcome: Outcome | null, error: Error | undefined): void {
    if (outcome !== null && attempt.isCompleted) {
      // Still in its place: what became of the job is not known.
      this.#verifier.verify(attempt, outcome, error)
      return
    }
    if (outcome !== null) this.settler.add(attempt, outcome)
    this.#over(attempt, outcome, error)
  }

  verified(attempt: Attempt, outcome: Outcome, error: Error | undefined): void {
    this.#over(attempt, outcome, error)
    this.#announce()
    // No trip of ours has enqueued them.
    if (outcome.kind === 'done' && attempt.hasFollowUps) this.#fetcher.hint()
  }

  #over(attempt: Attempt, outcome: Outcome | null, error: Error | undefined): void {
    this.#running.delete(attempt)
    const now = performance.now()
    const durationMs = now - attempt.startedAt
    this.#fetcher.prefetch.jobTook(durationMs)
    this.#stalls.ended(attempt, durationMs, this.#sweep)
    if (outcome?.kind === 'done') this.processed++
    else if (outcome?.kind === 'retry' || outcome?.kind === 'dead' || outcome?.kind === 'crash')
      this.failures++
    const { id, type, attempt: spent, createdAt } = attempt.claimed
    this.settler.note({
      id,
      type,
      outcome: outcome?.kind ?? 'cancelled',
      error: outcome?.kind === 'done' ? undefined : error,
      durationMs,
      waitedMs: Math.max(0, systemClock.wall() - durationMs - createdAt),
      attempt: spent + 1,
    })
    if (outcome === null) this.#announce()
    this.#fetcher.placeFreed()
  }

  progressed(attempt: Attempt): void {
    this.settler.progressed(attempt)
    this.#progress.soon()
  }

  #announce(): void {
    this.#reports.attempts(this.settler.takeFinished())
  }

  /** Timeouts, and leases that ran out unrenewed. @returns false when nothing runs. */
  #lookAtRunning(lateMs: number): boolean {
    const { timeoutMs, onStall } = this.#options
    this.#keeper.sweep(systemClock.monotonic())
    this.#options.handBack(this.gate.maxHoldMs)
    const now = performance.now()
    const stall = this.#stalls.look(lateMs, this.#running, now)
    if (stall !== undefined) onStall(stall, lateMs)
    for (const attempt of this.#running) {
      enforceTimeout(attempt, timeoutMs, now)
      giveUpDeaf(attempt, this.queue.settings, this.logger, now)
    }
    return this.#running.size > 0
  }

  #crash(error: Error): Outcome {
    const { maxCrashes, retention } = this.queue.settings
    return { kind: 'crash', error: errorRecord(error), policy: { maxCrashes, keepDeadMs: retention.dead } }
  }

  #maintained(report: MaintainReport, stats: QueueStats): void {
    this.#waiting = stats.counts.waiting
    if (report.promoted + report.returned + report.crashed.length > 0) this.#fetcher.hint()
    this.#reports.maintained(report)
  }
}
