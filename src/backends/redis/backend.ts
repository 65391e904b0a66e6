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
import { JOB_STATES, type JobRecord, type JobRef, type JobState } from '../../queue/job.ts'
import { checkTransaction } from '../../queue/transaction.ts'
import { enqueued } from './answers.ts'
import { inChunks } from './chunks.ts'
import { claim, exchange, settle } from './claims.ts'
import { progress, releaseOwner, renew, start } from './held.ts'
import { look } from './look.ts'
import { pack } from './pack.ts'
import { maintained, type MaintainReply, NOTHING_DONE } from './reports.ts'
import { byId, search, stats, sweep } from './search.ts'
import { keepArg } from './settlements.ts'
import { Store, type StoreOptions } from './store.ts'
import { Watchers } from './watch.ts'

export interface RedisBackendOptions extends StoreOptions {
  /** By which others can open the same store. */
  readonly url: string | null
}

const REPLAYED: readonly JobState[] = ['dead', 'cancelled']
const PURGED: readonly JobState[] = ['waiting', 'delayed', 'blocked', 'done', 'dead', 'cancelled']

/** The contract, each operation a script. */
export class RedisBackend implements Backend {
  readonly name = 'redis'
  readonly capabilities: Capabilities
  readonly #store: Store
  readonly #watchers: Watchers

  constructor(options: RedisBackendOptions) {
    const { url, maxPayloadBytes } = options
    this.#store = new Store(options)
    this.#watchers = new Watchers(this.#store.keys, this.#store.connectionOptions)
    this.capabilities = Object.freeze({
      durable: true,
      sharedBy: 'network',
      url,
      maxPayloadBytes,
      lanes: false,
      unique: false,
      rateLimits: false,
      workflows: false,
      transactions: false,
    })
  }

  open(): Promise<void> {
    return this.#store.open()
  }

  reconnect(): void {
    this.#watchers.reconnect()
    this.#store.reconnect()
  }

  async close(): Promise<void> {
    this.#watchers.close()
    this.#store.close()
  }

  // -------------------------------------------------------------------------------------------- producing

  async enqueue(
    { queue, jobs, maxLength }: EnqueueRequest,
    transaction?: Transaction,
  ): Promise<EnqueueResult[]> {
    this.#store.check()
    checkTransaction(this, transaction)
    await this.#store.noteQueue(queue)
    return inChunks(jobs, async (chunk) => {
      const { maxPayloadBytes } = this.capabilities
      const reply = await this.#store.run('enqueue', queue, [
        pack(chunk, maxPayloadBytes),
        keepArg(maxLength),
      ])
      const [numbers, unfinished] = reply as [number[], number]
      return enqueued(queue, chunk, numbers, { maxPayloadBytes, maxLength, unfinished })
    })
  }

  // -------------------------------------------------------------------------------------------- consuming

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    this.#store.check()
    return claim(this.#store, request)
  }

  async settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]> {
    this.#store.check()
    checkTransaction(this, transaction)
    return settle(this.#store, settlements)
  }

  async exchange(settlements: readonly Settlement[], request: ClaimRequest): Promise<ExchangeResult> {
    this.#store.check()
    return exchange(this.#store, settlements, request)
  }

  async start(refs: readonly JobRef[]): Promise<StartResult[]> {
    this.#store.check()
    return start(this.#store, refs)
  }

  async renew(owner: string, leaseMs: number): Promise<HeldClaim[]> {
    this.#store.check()
    return renew(this.#store, owner, leaseMs)
  }

  async progress(updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]> {
    this.#store.check()
    return progress(this.#store, updates)
  }

  async releaseOwner(owner: string, policy: CrashPolicy): Promise<ReapReport> {
    this.#store.check()
    return releaseOwner(this.#store, owner, policy)
  }

  async maintain(request: MaintainRequest): Promise<MaintainReport> {
    this.#store.check()
    const { queue, leaseMs, unhandledGraceMs, maxCrashes, keepDeadMs, limit, types } = request
    const { quiet } = this.#store
    const wakes = quiet.needsNoUpkeep(queue, leaseMs)
    if (wakes !== undefined && (await this.#store.wakes(queue)) === wakes) return NOTHING_DONE
    quiet.noteUpkeep(queue)
    const numbers = [leaseMs, unhandledGraceMs, maxCrashes].map(String)
    const args = [...numbers, keepArg(keepDeadMs), String(limit), ...types]
    return maintained((await this.#store.run('maintain', queue, args)) as MaintainReply)
  }

  watch(queue: string, hint: () => void): () => void {
    this.#store.check()
    return this.#watchers.watch(queue, hint)
  }

  async look(request: LookRequest): Promise<boolean> {
    this.#store.check()
    return look(this.#store, this.#watchers, request)
  }

  overhear(heard: () => void): () => void {
    this.#store.check()
    return this.#watchers.overhear(heard)
  }

  // ------------------------------------------------------------------------------------------- inspecting

  async get(queue: string, id: string): Promise<JobRecord | undefined> {
    this.#store.check()
    const [job] = await byId(this.#store, queue, [id])
    return job
  }

  async list(filter: JobFilter): Promise<JobRecord[]> {
    this.#store.check()
    return (await search(this.#store, filter, JOB_STATES)).found
  }

  async stats(queue?: string): Promise<QueueStats[]> {
    this.#store.check()
    const names = queue === undefined ? await this.#store.queues() : [queue]
    return Promise.all(names.map((name) => stats(this.#store, name)))
  }

  // --------------------------------------------------------------------------------------------- steering

  pause(queue: string): Promise<void> {
    return this.#setPaused(queue, '1')
  }

  resume(queue: string): Promise<void> {
    return this.#setPaused(queue, '0')
  }

  async #setPaused(queue: string, paused: string): Promise<void> {
    this.#store.check()
    await this.#store.noteQueue(queue)
    await this.#store.run('pause', queue, [paused])
  }

  async cancel(
    queue: string,
    ids: readonly string[],
    keepMs: number | null,
  ): Promise<('cancelled' | 'not-found' | 'finished')[]> {
    this.#store.check()
    return inChunks(ids, async (chunk) => {
      const answers = String(await this.#store.run('cancel', queue, [keepArg(keepMs), ...chunk]))
      return [...answers].map((each) =>
        each === 'c' ? 'cancelled' : each === 'n' ? 'not-found' : 'finished',
      )
    })
  }

  async replay(filter: JobFilter): Promise<StepReport> {
    this.#store.check()
    return sweep(this.#store, filter, REPLAYED, 'replay')
  }

  async purge(filter: JobFilter): Promise<StepReport> {
    this.#store.check()
    return sweep(this.#store, filter, PURGED, 'purge')
  }

  // ------------------------------------------------------------------------------------------- scheduling

  async readSchedule(queue: string, name: string): Promise<{ now: number; tick: number | null }> {
    this.#store.check()
    const [now, tick] = (await this.#store.run('readSchedule', queue, [name])) as [Buffer, Buffer]
    return { now: Number(now), tick: tick.length === 0 ? null : Number(tick) }
  }

  async advanceSchedule({ queue, name, from, to, jobs }: AdvanceRequest): Promise<boolean> {
    this.#store.check()
    await this.#store.noteQueue(queue)
    const packed = jobs.length === 0 ? '' : pack(jobs, this.capabilities.maxPayloadBytes)
    const reply = await this.#store.run('advanceSchedule', queue, [name, keepArg(from), String(to), packed])
    return reply === 1
  }
}
