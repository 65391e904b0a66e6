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
import { JOB_STATES, type JobRecord, type JobRef } from '../../queue/job.ts'
import { Adds } from './adds.ts'
import { CHUNK, inChunks } from './chunks.ts'
import { checkToken, readTaken, take, takeValues, type Taken, type TakenJson } from './claim.ts'
import { get, stats } from './inspect.ts'
import { look } from './look.ts'
import { expire, maintain, reapOwner, renew } from './maintain.ts'
import { advance, readSchedule } from './schedule.ts'
import { search } from './search.ts'
import { finish, Plain, progress, settleRest, start } from './settle.ts'
import { cancel, PURGE, REPLAY, setPaused, sweep, type Sweep } from './steer.ts'
import { Store, type StoreOptions } from './store.ts'

const NONE = new Plain([])

/** The contract, each operation given to the part that knows it. */
export class PostgresBackend implements Backend {
  readonly name = 'postgres'
  readonly capabilities: Capabilities
  readonly #store: Store
  readonly #adds: Adds

  /** @param url others can open the same by it. */
  constructor(options: StoreOptions, url: string | null) {
    this.#store = new Store(options)
    this.#adds = new Adds(this.#store)
    this.capabilities = Object.freeze({
      durable: true,
      sharedBy: 'network',
      url,
      maxPayloadBytes: options.maxPayloadBytes,
      lanes: false,
      unique: false,
      rateLimits: false,
      workflows: false,
      transactions: true,
    })
  }

  open(): Promise<void> {
    return this.#store.open()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  reconnect(): void {
    this.#store.reconnect()
  }

  // -------------------------------------------------------------------------------------------- producing

  enqueue(request: EnqueueRequest, transaction?: Transaction): Promise<EnqueueResult[]> {
    return this.#store.operate(() => this.#adds.enqueue(request, transaction))
  }

  // -------------------------------------------------------------------------------------------- consuming

  claim(request: ClaimRequest): Promise<ClaimResult> {
    return this.#store.operate(async () => {
      checkToken(request)
      return this.#claim(request, await this.#take(request))
    })
  }

  /** Sees to what is in the way, until there is nothing. */
  async #claim(request: ClaimRequest, first: Taken): Promise<ClaimResult> {
    let taken = first
    // Should clocks jump, what is in the way may not be late any more; a claim that gives nothing is asked again.
    for (let rounds = 0; taken.late.length > 0 && rounds < 100; rounds++) {
      const { late } = taken
      await this.#store.transact((session) => expire(session, request.queue, late))
      taken = await this.#take(request)
    }
    const { late: _, ...result } = taken
    return result
  }

  async #take(request: ClaimRequest): Promise<Taken> {
    if (request.start === 0) return this.#store.run((session) => take(session, request))
    // What is started as it is claimed has to be on the disk: forgotten by the server, it would run again elsewhere.
    return (await this.#trip(NONE, request)).taken
  }

  async #trip(plain: Plain, request: ClaimRequest): Promise<{ finished: readonly number[]; taken: Taken }> {
    const [finished, taken] = await this.#store.run((session) =>
      session.json<[number[], TakenJson]>(
        `CALL ${session.s}.exchange($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, NULL, NULL)`,
        [...plain.values, ...takeValues(request)],
      ),
    )
    return { finished, taken: readTaken(taken, request.token) }
  }

  settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]> {
    return this.#store.operate(() => {
      if (transaction === undefined) return inChunks(settlements, (chunk) => this.#settle(chunk))
      return this.#store.within(transaction, (session) =>
        inChunks(settlements, async (chunk) =>
          settleRest(session, chunk, await finish(session, chunk), this.#store.prepare(session)),
        ),
      )
    })
  }

  async #settle(settlements: readonly Settlement[]): Promise<SettleResult[]> {
    return this.#settleRest(settlements, await this.#store.run((session) => finish(session, settlements)))
  }

  async #settleRest(
    settlements: readonly Settlement[],
    results: (SettleResult | undefined)[],
  ): Promise<SettleResult[]> {
    if (!results.includes(undefined)) return results as SettleResult[]
    return this.#store.transact((session) =>
      settleRest(session, settlements, results, this.#store.prepare(session)),
    )
  }

  exchange(settlements: readonly Settlement[], request: ClaimRequest): Promise<ExchangeResult> {
    if (settlements.length === 0) return this.claim(request).then((claimed) => ({ settled: [], claimed }))
    return this.#store.operate(async () => {
      checkToken(request)
      const before = await inChunks(settlements.slice(0, -CHUNK), (chunk) => this.#settle(chunk))
      const last = settlements.slice(-CHUNK)
      const plain = new Plain(last)
      if (plain.places.length < last.length) {
        // What is not removed may be what is claimed next.
        const settled = [...before, ...(await this.#settle(last))]
        return { settled, claimed: await this.#claim(request, await this.#take(request)) }
      }
      const { finished, taken } = await this.#trip(plain, request)
      const results: (SettleResult | undefined)[] = last.map(() => undefined)
      plain.note(finished, results)
      const settled = await this.#settleRest(last, results)
      return {
        settled: [...before, ...settled],
        claimed: await this.#claim(request, taken),
      }
    })
  }

  start(refs: readonly JobRef[]): Promise<StartResult[]> {
    return this.#store.operate(() =>
      inChunks(refs, (chunk) => this.#store.run((session) => start(session, chunk))),
    )
  }

  renew(owner: string, leaseMs: number): Promise<HeldClaim[]> {
    return this.#store.operate(() => this.#store.run((session) => renew(session, owner, leaseMs)))
  }

  progress(updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]> {
    return this.#store.operate(() =>
      inChunks(updates, (chunk) => this.#store.run((session) => progress(session, chunk))),
    )
  }

  releaseOwner(owner: string, policy: CrashPolicy): Promise<ReapReport> {
    return this.#store.operate(async () => {
      const total = { returned: 0, crashed: [] as string[], dead: [] as string[] }
      for (let more = true; more;) {
        const step = await this.#store.transact((session) => reapOwner(session, owner, policy, CHUNK))
        total.returned += step.returned
        total.crashed.push(...step.crashed)
        total.dead.push(...step.dead)
        more = step.returned + step.crashed.length + step.dead.length >= CHUNK
      }
      return total
    })
  }

  maintain(request: MaintainRequest): Promise<MaintainReport> {
    return this.#store.operate(() =>
      this.#store.run((session) => maintain(session, request, (work) => this.#store.transact(work))),
    )
  }

  watch(queue: string, hint: () => void): () => void {
    this.#store.check()
    return this.#store.watchers.watch(queue, hint)
  }

  look(request: LookRequest): Promise<boolean> {
    return this.#store.operate(() =>
      this.#store.run((session) => look(session, request, this.#store.watchers)),
    )
  }

  overhear(heard: () => void): () => void {
    this.#store.check()
    return this.#store.watchers.overhear(heard)
  }

  // ------------------------------------------------------------------------------------------- inspecting

  get(queue: string, id: string): Promise<JobRecord | undefined> {
    return this.#store.operate(() => this.#store.run((session) => get(session, queue, id)))
  }

  list(filter: JobFilter): Promise<JobRecord[]> {
    return this.#store.operate(() => this.#store.run((session) => search(session, filter, JOB_STATES, true)))
  }

  stats(queue?: string): Promise<QueueStats[]> {
    return this.#store.operate(() => this.#store.run((session) => stats(session, queue)))
  }

  // --------------------------------------------------------------------------------------------- steering

  pause(queue: string): Promise<void> {
    return this.#store.operate(() => this.#store.run((session) => setPaused(session, queue, true)))
  }

  resume(queue: string): Promise<void> {
    return this.#store.operate(() => this.#store.run((session) => setPaused(session, queue, false)))
  }

  cancel(
    queue: string,
    ids: readonly string[],
    keepMs: number | null,
  ): Promise<('cancelled' | 'not-found' | 'finished')[]> {
    return this.#store.operate(() =>
      inChunks(ids, (chunk) => this.#store.transact((session) => cancel(session, queue, chunk, keepMs))),
    )
  }

  replay(filter: JobFilter): Promise<StepReport> {
    return this.#store.operate(() => this.#sweep(REPLAY, filter))
  }

  purge(filter: JobFilter): Promise<StepReport> {
    return this.#store.operate(() => this.#sweep(PURGE, filter))
  }

  async #sweep(what: Sweep, filter: JobFilter): Promise<StepReport> {
    let count = 0
    let looked = 0
    let after: number | null = filter.after ?? 0
    while (after !== null && looked < filter.limit) {
      const from: number = after
      const limit = Math.min(CHUNK, filter.limit - looked)
      const step = await this.#store.transact((session) => sweep(session, what, filter, from, limit))
      looked += step.looked
      count += step.count
      after = step.next
    }
    return { count, next: after }
  }

  // ------------------------------------------------------------------------------------------- scheduling

  readSchedule(queue: string, name: string): Promise<{ now: number; tick: number | null }> {
    return this.#store.operate(() => this.#store.run((session) => readSchedule(session, queue, name)))
  }

  advanceSchedule(request: AdvanceRequest): Promise<boolean> {
    return this.#store.operate(() =>
      this.#store.transact((session) => advance(session, request, this.#store.prepare(session))),
    )
  }
}
