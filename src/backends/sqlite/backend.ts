import { setImmediate } from 'node:timers/promises'
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
import { checkTransaction } from '../../queue/transaction.ts'
import { checkToken, claim, peek } from './claim.ts'
import { enqueue } from './enqueue.ts'
import { FULL_COLUMNS, get, stats } from './inspect.ts'
import { lookAt } from './look.ts'
import { maintain } from './maintain.ts'
import { isInMemory } from './open.ts'
import { reapOwner } from './reap.ts'
import { hasClaims, renew } from './renew.ts'
import { recordOf } from './row.ts'
import { advance, readTick } from './schedule.ts'
import { searchWindow } from './search.ts'
import type { Session } from './session.ts'
import { progress, settle, start } from './settle.ts'
import { cancel, PURGE, REPLAY, setPaused, type Sweep, sweepWindow } from './steer.ts'
import { Store, type StoreOptions } from './store.ts'
import { toUrl } from './url.ts'
import { Watchers } from './watch.ts'

/** How many jobs one transaction handles; other events have their turn between two. */
const CHUNK = 1000

/** The contract, each operation given to the part that knows it, in a transaction of its own. */
export class SqliteBackend implements Backend {
  readonly name = 'sqlite'
  readonly capabilities: Capabilities
  readonly #store: Store
  readonly #watchers: Watchers

  /** @param reachable others can open the same by its URL. */
  constructor(options: Omit<StoreOptions, 'onWoken'>, reachable: boolean) {
    const { location, durability, maxPayloadBytes } = options
    const inMemory = isInMemory(location)
    this.#store = new Store({ ...options, onWoken: (queues) => this.#watchers.woken(queues) })
    this.#watchers = new Watchers(() => this.#store.database)
    this.capabilities = Object.freeze({
      durable: !inMemory,
      sharedBy: inMemory ? 'process' : 'machine',
      url: reachable && typeof location === 'string' && !inMemory ? toUrl(location, durability) : null,
      maxPayloadBytes,
      transactions: !inMemory,
      lanes: false,
      unique: false,
      rateLimits: false,
      workflows: false,
    })
  }

  open(): Promise<void> {
    return this.#store.open()
  }

  close(): Promise<void> {
    this.#watchers.close()
    return this.#store.close()
  }

  // -------------------------------------------------------------------------------------------- producing

  enqueue({ queue, jobs, maxLength }: EnqueueRequest, transaction?: Transaction): Promise<EnqueueResult[]> {
    return this.#store.operate(async () => {
      checkTransaction(this, transaction)
      return this.#inChunks(jobs, (chunk) =>
        this.#writeIn(transaction, (session) => enqueue(session, queue, chunk, maxLength)),
      )
    })
  }

  // -------------------------------------------------------------------------------------------- consuming

  claim(request: ClaimRequest): Promise<ClaimResult> {
    return this.#store.operate(async () => {
      checkToken(request)
      const nothing = await this.#store.read((session) => peek(session, request))
      return nothing ?? this.#store.write(false, (session) => claim(session, request))
    })
  }

  settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]> {
    return this.#store.operate(async () => {
      checkTransaction(this, transaction)
      return this.#settle(settlements, transaction)
    })
  }

  #settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]> {
    return this.#inChunks(settlements, (chunk) =>
      this.#writeIn(transaction, (session) => settle(session, chunk)),
    )
  }

  exchange(settlements: readonly Settlement[], request: ClaimRequest): Promise<ExchangeResult> {
    if (settlements.length === 0) return this.claim(request).then((claimed) => ({ settled: [], claimed }))
    return this.#store.operate(async () => {
      checkToken(request)
      const settled = await this.#settle(settlements.slice(0, -CHUNK))
      // One transaction for both, so one wait for the disk.
      return this.#store.write(true, (session) => ({
        settled: [...settled, ...settle(session, settlements.slice(-CHUNK))],
        claimed: claim(session, request),
      }))
    })
  }

  start(refs: readonly JobRef[]): Promise<StartResult[]> {
    return this.#store.operate(() =>
      this.#inChunks(refs, (chunk) => this.#store.write(false, (session) => start(session, chunk))),
    )
  }

  renew(owner: string, leaseMs: number): Promise<HeldClaim[]> {
    return this.#store.operate(async () => {
      if (!(await this.#store.read((session) => hasClaims(session, owner)))) return []
      return this.#store.write(false, (session) => renew(session, owner, leaseMs))
    })
  }

  progress(updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]> {
    return this.#store.operate(() =>
      this.#inChunks(updates, (chunk) => this.#store.write(false, (session) => progress(session, chunk))),
    )
  }

  releaseOwner(owner: string, policy: CrashPolicy): Promise<ReapReport> {
    return this.#store.operate(async () => {
      const total = { returned: 0, crashed: [] as string[], dead: [] as string[] }
      while (await this.#store.read((session) => hasClaims(session, owner))) {
        const step = await this.#store.write(true, (session) => reapOwner(session, owner, policy, CHUNK))
        total.returned += step.returned
        total.crashed.push(...step.crashed)
        total.dead.push(...step.dead)
      }
      return total
    })
  }

  maintain(request: MaintainRequest): Promise<MaintainReport> {
    return this.#store.operate(() => this.#store.write(false, (session) => maintain(session, request)))
  }

  watch(queue: string, hint: () => void): () => void {
    this.#store.check()
    return this.#watchers.watch(queue, hint)
  }

  look({ neglectMs }: LookRequest): Promise<boolean> {
    return this.#store.operate(async () => {
      const busy = await this.#store.read((session) => lookAt(session, neglectMs))
      for (const queue of busy) this.#watchers.tell(queue)
      return false
    })
  }

  // ------------------------------------------------------------------------------------------- inspecting

  get(queue: string, id: string): Promise<JobRecord | undefined> {
    return this.#store.operate(() => this.#store.read((session) => get(session, queue, id)))
  }

  list(filter: JobFilter): Promise<JobRecord[]> {
    return this.#store.operate(async () => {
      const found: JobRecord[] = []
      let after: number | null = filter.after ?? 0
      while (after !== null && found.length < filter.limit) {
        const from: number = after
        after = await this.#store.read((session) => {
          const limit = filter.limit - found.length
          const { rows, next } = searchWindow(session, filter, FULL_COLUMNS, JOB_STATES, from, limit)
          for (const row of rows) found.push(recordOf(session, row))
          return next
        })
        await setImmediate()
      }
      return found
    })
  }

  stats(queue?: string): Promise<QueueStats[]> {
    return this.#store.operate(() => this.#store.read((session) => stats(session, queue)))
  }

  // --------------------------------------------------------------------------------------------- steering

  pause(queue: string): Promise<void> {
    return this.#store.operate(() => this.#store.write(true, (session) => setPaused(session, queue, true)))
  }

  resume(queue: string): Promise<void> {
    return this.#store.operate(() => this.#store.write(true, (session) => setPaused(session, queue, false)))
  }

  cancel(
    queue: string,
    ids: readonly string[],
    keepMs: number | null,
  ): Promise<('cancelled' | 'not-found' | 'finished')[]> {
    return this.#store.operate(() =>
      this.#inChunks(ids, (chunk) =>
        this.#store.write(true, (session) => cancel(session, queue, chunk, keepMs)),
      ),
    )
  }

  replay(filter: JobFilter): Promise<StepReport> {
    return this.#store.operate(() => this.#sweep(filter, REPLAY))
  }

  purge(filter: JobFilter): Promise<StepReport> {
    return this.#store.operate(() => this.#sweep(filter, PURGE))
  }

  async #sweep(filter: JobFilter, sweep: Sweep): Promise<StepReport> {
    let looked = 0
    let count = 0
    let after: number | null = filter.after ?? 0
    while (after !== null && looked < filter.limit) {
      const from: number = after
      const limit = Math.min(CHUNK, filter.limit - looked)
      // Looked at first: windows without a match need no lock.
      const { rows, next } = await this.#store.read((session) =>
        searchWindow(session, filter, 'seq', sweep.from, from, limit),
      )
      after = next
      if (rows.length > 0) {
        const step = await this.#store.write(true, (session) =>
          sweepWindow(session, sweep, filter, from, limit),
        )
        looked += step.looked
        count += step.count
        after = step.next
      }
      await setImmediate()
    }
    return { count, next: after }
  }

  // ------------------------------------------------------------------------------------------- scheduling

  readSchedule(queue: string, name: string): Promise<{ now: number; tick: number | null }> {
    return this.#store.operate(() =>
      this.#store.read((session) => ({ now: session.wall, tick: readTick(session, queue, name) })),
    )
  }

  advanceSchedule(request: AdvanceRequest): Promise<boolean> {
    return this.#store.operate(() => this.#store.write(true, (session) => advance(session, request)))
  }

  // -----------------------------------------------------------------------------------------------------

  /** What must last, in the caller's transaction or in one of its own. */
  #writeIn<T>(transaction: Transaction, work: (session: Session) => T): Promise<T> {
    return transaction === undefined
      ? this.#store.write(true, work)
      : this.#store.writeWithin(transaction, work)
  }

  /** Long lists a part at a time, so that neither the loop nor the lock is kept for long. */
  async #inChunks<T, R>(items: readonly T[], work: (chunk: readonly T[]) => Promise<R[]>): Promise<R[]> {
    if (items.length === 0) return []
    if (items.length <= CHUNK) return work(items)
    const results: R[] = []
    for (let at = 0; at < items.length; at += CHUNK) {
      if (at > 0) await setImmediate()
      for (const result of await work(items.slice(at, at + CHUNK))) results.push(result)
    }
    return results
  }
}
