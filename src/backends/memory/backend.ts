import type { Clock } from '../../core/clock.ts'
import { StateError } from '../../core/errors.ts'
import type {
  AdvanceRequest,
  Backend,
  Capabilities,
  ClaimRequest,
  ClaimResult,
  CrashPolicy,
  EnqueueRequest,
  EnqueueResult,
  ExchangeResult,
  HeldClaim,
  JobFilter,
  LookRequest,
  MaintainReport,
  MaintainRequest,
  ProgressUpdate,
  QueueStats,
  ReapReport,
  Settlement,
  SettleResult,
  StartResult,
  StepReport,
  Transaction,
} from '../../queue/backend.ts'
import type { JobRecord, JobRef, NewJob } from '../../queue/job.ts'
import { checkTransaction } from '../../queue/transaction.ts'
import { claim } from './claim.ts'
import { Claims } from './claims.ts'
import { enqueue } from './enqueue.ts'
import type { Entry } from './entry.ts'
import { matching, step } from './filter.ts'
import { Hints } from './hints.ts'
import { lookAt } from './look.ts'
import { maintain, reapClaims } from './maintain.ts'
import { Shelf } from './shelf.ts'
import { Ticks } from './ticks.ts'

const OK: SettleResult = Object.freeze({ status: 'ok', followUps: Object.freeze([]) })
const STALE: SettleResult = Object.freeze({ status: 'stale' })

/** Sends each call to the parts that answer it. */
export class MemoryBackend implements Backend {
  readonly name = 'memory'
  readonly capabilities: Capabilities
  readonly #clock: Clock
  readonly #shelves = new Map<string, Shelf>()
  readonly #claims = new Claims()
  readonly #hints = new Hints()
  readonly #ticks = new Ticks()
  #closed = false

  constructor(clock: Clock, maxPayloadBytes: number) {
    this.#clock = clock
    this.capabilities = Object.freeze({
      durable: false,
      sharedBy: 'process',
      url: null,
      maxPayloadBytes,
      transactions: false,
      lanes: false,
      unique: false,
      rateLimits: false,
      workflows: false,
    })
  }

  async open(): Promise<void> {
    this.#check()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#hints.clear()
    this.#shelves.clear()
    this.#claims.clear()
  }

  // -------------------------------------------------------------------------------------------- producing

  async enqueue(request: EnqueueRequest, transaction?: Transaction): Promise<EnqueueResult[]> {
    this.#check()
    checkTransaction(this, transaction)
    return this.#enqueue(request.queue, request.jobs, request.maxLength ?? Infinity)
  }

  #enqueue(queue: string, jobs: readonly NewJob[], maxLength: number): EnqueueResult[] {
    const { maxPayloadBytes } = this.capabilities
    const results = enqueue(this.#shelf(queue), jobs, { maxLength, maxPayloadBytes }, this.#clock.wall())
    this.#hints.tell(queue)
    return results
  }

  // -------------------------------------------------------------------------------------------- consuming

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    this.#check()
    return this.#claim(request)
  }

  #claim(request: ClaimRequest): ClaimResult {
    const { queue } = request
    return claim(this.#shelf(queue), this.#claims, request, this.#clock.wall(), this.#clock.monotonic())
  }

  async settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]> {
    this.#check()
    checkTransaction(this, transaction)
    return this.#settle(settlements)
  }

  #settle(settlements: readonly Settlement[]): SettleResult[] {
    const now = this.#clock.wall()
    return settlements.map(({ ref, outcome, followUps }) => {
      const entry = this.#held(ref)
      if (entry === undefined) return STALE
      const shelf = this.#shelf(ref.queue)
      if (outcome.kind === 'done' && outcome.keepMs === 0 && entry.dedupeMs === 0) {
        // What transition() says of it, without the copies: the way of most jobs.
        shelf.remove(entry)
      } else {
        shelf.apply(entry, outcome, now)
        if (entry.state === 'waiting' || entry.state === 'delayed') this.#hints.tell(ref.queue)
      }
      if (followUps === undefined || followUps.length === 0) return OK
      const results = followUps.flatMap(({ queue, jobs }) => this.#enqueue(queue, jobs, Infinity))
      return { status: 'ok', followUps: results }
    })
  }

  async exchange(settlements: readonly Settlement[], request: ClaimRequest): Promise<ExchangeResult> {
    this.#check()
    return { settled: this.#settle(settlements), claimed: this.#claim(request) }
  }

  async start(refs: readonly JobRef[]): Promise<StartResult[]> {
    this.#check()
    return refs.map((ref) => {
      const entry = this.#held(ref)
      if (entry === undefined) return 'stale'
      if (!entry.started && this.#shelf(ref.queue).paused) return 'paused'
      entry.started = true
      return 'started'
    })
  }

  async renew(owner: string, leaseMs: number): Promise<HeldClaim[]> {
    this.#check()
    const now = this.#clock.monotonic()
    return this.#claims.of(owner).flatMap((claim) => {
      claim.leaseUntil = Math.min(now + leaseMs, claim.renewUntil)
      return claim.entries().map(({ id }) => ({ id, token: claim.token }))
    })
  }

  async progress(updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]> {
    this.#check()
    return updates.map(({ ref, progress }) => {
      const entry = this.#held(ref)
      if (entry === undefined) return 'stale'
      entry.progress = progress
      return 'ok'
    })
  }

  async releaseOwner(owner: string, policy: CrashPolicy): Promise<ReapReport> {
    this.#check()
    return reapClaims(this.#claims.of(owner), policy, this.#clock.wall(), this.#hints)
  }

  async maintain(request: MaintainRequest): Promise<MaintainReport> {
    this.#check()
    const shelf = this.#shelf(request.queue)
    const report = maintain(shelf, request, this.#clock.wall(), this.#clock.monotonic())
    if (report.promoted + report.returned + report.crashed.length > 0) this.#hints.tell(request.queue)
    return report
  }

  watch(queue: string, hint: () => void): () => void {
    this.#check()
    return this.#hints.watch(queue, hint)
  }

  async look({ neglectMs }: LookRequest): Promise<boolean> {
    this.#check()
    return lookAt(this.#shelves.values(), this.#clock, neglectMs, this.#hints)
  }

  // ------------------------------------------------------------------------------------------- inspecting

  async get(queue: string, id: string): Promise<JobRecord | undefined> {
    this.#check()
    return this.#shelves.get(queue)?.get(id)
  }

  async list(filter: JobFilter): Promise<JobRecord[]> {
    this.#check()
    const shelf = this.#shelves.get(filter.queue)
    if (shelf === undefined) return []
    return matching(shelf, filter).map((entry) => entry.snapshot())
  }

  async stats(queue?: string): Promise<QueueStats[]> {
    this.#check()
    const one = (name: string): Shelf => this.#shelves.get(name) ?? new Shelf(name, this.#claims)
    const all = queue === undefined ? this.#shelves.values() : [one(queue)]
    return Array.from(all, (shelf) => shelf.stats(this.#clock.wall()))
  }

  // --------------------------------------------------------------------------------------------- steering

  async pause(queue: string): Promise<void> {
    this.#check()
    this.#setPaused(queue, true)
  }

  async resume(queue: string): Promise<void> {
    this.#check()
    this.#setPaused(queue, false)
  }

  #setPaused(queue: string, paused: boolean): void {
    const shelf = this.#shelf(queue)
    shelf.paused = paused
    shelf.control++
    this.#hints.tell(queue)
  }

  async cancel(
    queue: string,
    ids: readonly string[],
    keepMs: number | null,
  ): Promise<('cancelled' | 'not-found' | 'finished')[]> {
    this.#check()
    const shelf = this.#shelf(queue)
    const now = this.#clock.wall()
    return ids.map((id) => {
      const entry = shelf.entries.get(id)
      if (entry === undefined) return 'not-found'
      const active = entry.state === 'active'
      if (!shelf.apply(entry, { kind: 'cancelled', keepMs }, now)) return 'finished'
      if (active) {
        shelf.control++
        this.#hints.tell(queue)
      }
      return 'cancelled'
    })
  }

  async replay(filter: JobFilter): Promise<StepReport> {
    this.#check()
    const shelf = this.#shelf(filter.queue)
    const now = this.#clock.wall()
    const report = step(shelf, filter, (entry) => shelf.apply(entry, { kind: 'replay' }, now))
    if (report.count > 0) this.#hints.tell(filter.queue)
    return report
  }

  async purge(filter: JobFilter): Promise<StepReport> {
    this.#check()
    const shelf = this.#shelf(filter.queue)
    return step(shelf, filter, (entry) => {
      if (entry.state === 'active') return false
      shelf.remove(entry)
      return true
    })
  }

  // ------------------------------------------------------------------------------------------- scheduling

  async readSchedule(queue: string, name: string): Promise<{ now: number; tick: number | null }> {
    this.#check()
    return { now: this.#clock.wall(), tick: this.#ticks.last(queue, name) }
  }

  async advanceSchedule({ queue, name, from, to, jobs }: AdvanceRequest): Promise<boolean> {
    this.#check()
    if (!this.#ticks.advance(queue, name, from, to)) return false
    this.#enqueue(queue, jobs, Infinity)
    return true
  }

  /** The job that a reference names; undefined when its token is not the present one. */
  #held(ref: JobRef): Entry | undefined {
    const entry = this.#shelves.get(ref.queue)?.entries.get(ref.id)
    return entry?.claim?.token === ref.token && entry.seq === ref.seq ? entry : undefined
  }

  #shelf(queue: string): Shelf {
    let shelf = this.#shelves.get(queue)
    if (shelf === undefined) this.#shelves.set(queue, (shelf = new Shelf(queue, this.#claims)))
    return shelf
  }

  #check(): void {
    if (this.#closed) throw new StateError('the memory backend is closed')
  }
}
