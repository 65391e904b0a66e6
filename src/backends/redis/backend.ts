import { setImmediate } from 'node:timers/promises'
import { InvalidOptionError, show, UnsupportedError } from '../../core/errors.ts'
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
import { claimed, enqueued, settled } from './answers.ts'
import { inChunks } from './chunks.ts'
import { maintained, type MaintainReply, reaped, type ReapReply, statsOf } from './reports.ts'
import { entryOf } from './keys.ts'
import { pack } from './pack.ts'
import { recordOf } from './record.ts'
import { matches, placesOf } from './search.ts'
import { claimArgs, keepArg, settlementArgs } from './settlements.ts'
import { Store, type StoreOptions } from './store.ts'
import { Watchers } from './watch.ts'

export interface RedisBackendOptions extends StoreOptions {
  /** By which others can open the same store. */
  readonly url: string | null
  readonly maxPayloadBytes: number
}

/** How many jobs one look at a queue shows. */
const WINDOW = 500
/** How many jobs one step of a release touches. */
const STEP = 500

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
    await this.#beforeClaim(request)
    return claimed(await this.#store.run('claim', request.queue, claimArgs(request)), request.token)
  }

  async settle(settlements: readonly Settlement[], transaction?: Transaction): Promise<SettleResult[]> {
    this.#store.check()
    checkTransaction(this, transaction)
    await this.#noteFollowed(settlements)
    return this.#perQueue(
      settlements,
      ({ ref }) => ref.queue,
      (queue, these) => this.#settle(queue, these),
    )
  }

  async #settle(queue: string, settlements: readonly Settlement[]): Promise<SettleResult[]> {
    const { maxPayloadBytes } = this.capabilities
    const args = settlementArgs(settlements, this.#store.keys, maxPayloadBytes)
    const [statuses, numbers] = (await this.#store.run('settle', queue, args)) as [Buffer, number[]]
    return settled(settlements, statuses, numbers, maxPayloadBytes)
  }

  async exchange(settlements: readonly Settlement[], request: ClaimRequest): Promise<ExchangeResult> {
    await this.#beforeClaim(request)
    const { queue, token } = request
    const isOneTrip = settlements.length <= STEP * 2 && settlements.every(({ ref }) => ref.queue === queue)
    if (!isOneTrip) {
      const done = await this.settle(settlements)
      return { settled: done, claimed: await this.claim(request) }
    }
    await this.#noteFollowed(settlements)
    const { maxPayloadBytes } = this.capabilities
    const args = settlementArgs(settlements, this.#store.keys, maxPayloadBytes)
    args.push(...claimArgs(request))
    const reply = await this.#store.run('exchange', queue, args)
    const [statuses, numbers, claim] = reply as [Buffer, number[], unknown]
    return {
      settled: settled(settlements, statuses, numbers, maxPayloadBytes),
      claimed: claimed(claim, token),
    }
  }

  async #beforeClaim({ owner, token, queue }: ClaimRequest): Promise<void> {
    this.#store.check()
    if (!token.startsWith(`${owner}:`) || token.includes(':', owner.length + 1)) {
      throw new InvalidOptionError(
        'token',
        `expected token to be "${owner}:" and a number, got: ${show(token)}`,
      )
    }
    await this.#store.noteQueue(queue)
    await this.#store.noteOwner(owner, queue)
  }

  /** Follow-ups use queues as well; in a cluster those may be out of reach. */
  async #noteFollowed(settlements: readonly Settlement[]): Promise<void> {
    for (const { ref, followUps = [] } of settlements) {
      for (const { queue, jobs } of followUps) {
        if (jobs.length === 0) continue
        if (queue !== ref.queue && this.#store.isSpread) {
          throw new UnsupportedError(
            `on a Redis Cluster a job of queue "${ref.queue}" cannot have a follow-up in "${queue}", which may be on another server; use hashTag: 'store' to keep all queues together`,
          )
        }
        await this.#store.noteQueue(queue)
      }
    }
  }

  async start(refs: readonly JobRef[]): Promise<StartResult[]> {
    this.#store.check()
    return this.#perQueue(
      refs,
      (ref) => ref.queue,
      async (queue, these) => {
        const args = these.flatMap((ref) => [entryOf(ref), ref.token])
        const answers = String(await this.#store.run('start', queue, args))
        return [...answers].map((each) => (each === 's' ? 'started' : each === 'p' ? 'paused' : 'stale'))
      },
    )
  }

  async renew(owner: string, leaseMs: number): Promise<HeldClaim[]> {
    this.#store.check()
    const queues = await this.#store.queuesOf(owner)
    const replies = await Promise.all(
      queues.map((queue) => this.#store.run('renew', queue, [owner, String(leaseMs)])),
    )
    const held: HeldClaim[] = []
    for (const reply of replies as (Buffer | Buffer[])[][]) {
      for (let at = 0; at < reply.length; at += 2) {
        const token = String(reply[at])
        for (const id of reply[at + 1] as Buffer[]) held.push({ id: String(id), token })
      }
    }
    return held
  }

  async progress(updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]> {
    this.#store.check()
    return this.#perQueue(
      updates,
      ({ ref }) => ref.queue,
      async (queue, these) => {
        const args = these.flatMap(({ ref, progress }) => [entryOf(ref), ref.token, progress])
        const answers = String(await this.#store.run('progress', queue, args))
        return [...answers].map((each) => (each === '1' ? 'ok' : 'stale'))
      },
    )
  }

  async releaseOwner(owner: string, { maxCrashes, keepDeadMs }: CrashPolicy): Promise<ReapReport> {
    this.#store.check()
    const total = { returned: 0, crashed: [] as string[], dead: [] as string[] }
    for (const queue of await this.#store.queuesOf(owner)) {
      const args = [owner, String(maxCrashes), keepArg(keepDeadMs), String(STEP)]
      for (let more = true; more;) {
        const reply = (await this.#store.run('releaseOwner', queue, args)) as ReapReply
        const step = reaped(reply)
        total.returned += step.returned
        total.crashed.push(...step.crashed)
        total.dead.push(...step.dead)
        more = reply[3] === 1
      }
    }
    return total
  }

  async maintain(request: MaintainRequest): Promise<MaintainReport> {
    this.#store.check()
    const { queue, leaseMs, unhandledGraceMs, maxCrashes, keepDeadMs, limit, types } = request
    const numbers = [leaseMs, unhandledGraceMs, maxCrashes].map(String)
    const args = [...numbers, keepArg(keepDeadMs), String(limit), ...types]
    return maintained((await this.#store.run('maintain', queue, args)) as MaintainReply)
  }

  watch(queue: string, hint: () => void): () => void {
    this.#store.check()
    return this.#watchers.watch(queue, hint)
  }

  // ------------------------------------------------------------------------------------------- inspecting

  async get(queue: string, id: string): Promise<JobRecord | undefined> {
    this.#store.check()
    const [job] = await this.#byId(queue, [id])
    return job
  }

  async list(filter: JobFilter): Promise<JobRecord[]> {
    this.#store.check()
    return (await this.#search(filter, JOB_STATES)).found
  }

  async stats(queue?: string): Promise<QueueStats[]> {
    this.#store.check()
    const names = queue === undefined ? await this.#store.queues() : [queue]
    return Promise.all(names.map(async (name) => statsOf(name, await this.#store.run('stats', name, []))))
  }

  async #byId(queue: string, ids: readonly string[]): Promise<JobRecord[]> {
    const found = await inChunks(ids, async (chunk) => {
      const reply = (await this.#store.run('records', queue, chunk)) as (Buffer | null)[][]
      return reply.map((parts) => recordOf(queue, parts))
    })
    return found.sort((a, b) => a.seq - b.seq)
  }

  /** The first `limit` jobs that match, and where to go on: null when there are no more. */
  async #search(
    filter: JobFilter,
    only: readonly JobState[],
  ): Promise<{ found: JobRecord[]; next: number | null }> {
    const { queue, limit } = filter
    const places = placesOf(filter, only)
    if (places === '' || limit <= 0) return { found: [], next: null }
    const found: JobRecord[] = []
    if (filter.ids !== undefined) {
      const jobs = await this.#byId(queue, [...new Set(filter.ids)])
      for (const job of jobs) if (found.length < limit && matches(job, filter, only)) found.push(job)
      return { found, next: found.length < limit ? null : found.at(-1)!.seq }
    }
    for (let after: number | null = filter.after ?? 0; after !== null;) {
      const args = [String(after), String(WINDOW), places]
      const [window, next] = (await this.#store.run('window', queue, args)) as [(Buffer | null)[][], Buffer]
      for (const parts of window) {
        const job = recordOf(queue, parts)
        if (matches(job, filter, only)) found.push(job)
        if (found.length === limit) return { found, next: job.seq }
      }
      after = next.length === 0 ? null : Number(next)
      await setImmediate()
    }
    return { found, next: null }
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

  replay(filter: JobFilter): Promise<StepReport> {
    return this.#sweep(filter, REPLAYED, 'replay')
  }

  purge(filter: JobFilter): Promise<StepReport> {
    return this.#sweep(filter, PURGED, 'purge')
  }

  async #sweep(
    filter: JobFilter,
    from: readonly JobState[],
    script: 'replay' | 'purge',
  ): Promise<StepReport> {
    this.#store.check()
    const { found, next } = await this.#search(filter, from)
    const counts = await inChunks(found, async (chunk) => [
      (await this.#store.run(script, filter.queue, chunk.map(entryOf))) as number,
    ])
    return { count: counts.reduce((sum, count) => sum + count, 0), next }
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

  // -----------------------------------------------------------------------------------------------------

  /** What belongs to several queues, each queue by itself, and the answers in the order of the questions. */
  async #perQueue<T, R>(
    items: readonly T[],
    queueOf: (item: T) => string,
    work: (queue: string, items: readonly T[]) => Promise<R[]>,
  ): Promise<R[]> {
    const first = items[0]
    if (first === undefined) return []
    const groups = Map.groupBy(items.keys(), (at) => queueOf(items[at]!))
    const results: R[] = []
    await Promise.all(
      [...groups].map(async ([queue, places]) => {
        const these = await inChunks(
          places.map((at) => items[at]!),
          (chunk) => work(queue, chunk),
        )
        for (const [n, at] of places.entries()) results[at] = these[n]!
      }),
    )
    return results
  }
}
