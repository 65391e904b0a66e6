import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type {
  Backend,
  ClaimRequest,
  ClaimResult,
  EnqueueResult,
  FollowUps,
  MaintainReport,
  MaintainRequest,
  Outcome,
  SettleResult,
} from '../queue/backend.ts'
import type { ClaimedJob, JobRecord, JobRef, NewJob } from '../queue/job.ts'
import type { Harness } from './case.ts'

/** The lease of the cases, ms: short enough to wait for, long enough for a busy machine. */
export const LEASE = 400
/** Crashes that a job of the cases survives: one. */
export const POLICY = { maxCrashes: 2, keepDeadMs: null } as const

/** What the cases ask for when they say nothing else. */
export function newJob(over: Partial<NewJob> = {}): NewJob {
  return {
    id: randomUUID(),
    type: 'mail',
    payload: '{"to":"ada"}',
    codec: 'json',
    priority: 1,
    runAt: null,
    delayMs: 0,
    expireMs: null,
    maxRetries: null,
    dedupeMs: 0,
    headers: {},
    tags: [],
    key: null,
    uniqueKey: null,
    uniqueMs: null,
    parent: null,
    ...over,
  }
}

export const DONE: Extract<Outcome, { kind: 'done' }> = { kind: 'done', result: null, keepMs: 0 }
export const KEPT: Extract<Outcome, { kind: 'done' }> = { kind: 'done', result: null, keepMs: null }
export const RELEASE: Extract<Outcome, { kind: 'release' }> = { kind: 'release' }
export const DEAD: Extract<Outcome, { kind: 'dead' }> = {
  kind: 'dead',
  error: { name: 'Error', message: 'no good', code: null, stack: null },
  keepMs: null,
}
export const RETRY: Extract<Outcome, { kind: 'retry' }> = {
  kind: 'retry',
  again: { delayMs: 0 },
  error: { name: 'Error', message: 'not yet', code: 'EAGAIN', stack: null },
}

/** One worker at one queue of the store, with the words that the cases are told in. */
export class Subject {
  readonly backend: Backend
  readonly harness: Harness
  readonly queue: string
  readonly owner: string = randomUUID()
  #claims = 0

  constructor(backend: Backend, harness: Harness, queue: string = `queue-${randomUUID()}`) {
    this.backend = backend
    this.harness = harness
    this.queue = queue
  }

  /** Another worker at the same queue, in another opening of the store where it can have some. */
  async another(): Promise<Subject> {
    return new Subject(await this.harness.open(), this.harness, this.queue)
  }

  /** The same worker at another queue. */
  at(queue: string): Subject {
    return new Subject(this.backend, this.harness, queue)
  }

  pass(ms: number): Promise<void> {
    return this.harness.pass(ms)
  }

  // --------------------------------------------------------------------------------------------- producing

  enqueue(jobs: readonly NewJob[], maxLength: number | null = null): Promise<EnqueueResult[]> {
    return this.backend.enqueue({ queue: this.queue, jobs, maxLength })
  }

  /** Adds one job for each argument, at once, and answers with their ids. */
  async add(...jobs: readonly Partial<NewJob>[]): Promise<string[]> {
    const results = await this.enqueue(jobs.map((job) => newJob(job)))
    for (const result of results) assert.equal(result.status, 'added')
    return results.map(({ id }) => id)
  }

  /** Adds one job and answers with its id. */
  async addOne(job: Partial<NewJob> = {}): Promise<string> {
    return only(await this.add(job))
  }

  // --------------------------------------------------------------------------------------------- consuming

  request(over: Partial<ClaimRequest> = {}): ClaimRequest {
    return {
      queue: this.queue,
      types: ['mail'],
      owner: this.owner,
      token: `${this.owner}:${++this.#claims}`,
      limit: 100,
      maxBytes: 16 * 1024 * 1024,
      start: 0,
      leaseMs: LEASE,
      renewForMs: null,
      suspects: 'none',
      ...over,
    }
  }

  claim(over: Partial<ClaimRequest> = {}): Promise<ClaimResult> {
    return this.backend.claim(this.request(over))
  }

  async take(over: Partial<ClaimRequest> = {}): Promise<readonly ClaimedJob[]> {
    return (await this.claim(over)).jobs
  }

  /** Takes what must be exactly one job. */
  async takeOne(over: Partial<ClaimRequest> = {}): Promise<ClaimedJob> {
    return only(await this.take(over))
  }

  /** Takes what must be exactly one job, its start recorded. */
  startOne(over: Partial<ClaimRequest> = {}): Promise<ClaimedJob> {
    return this.takeOne({ start: 1, ...over })
  }

  async takeIds(over: Partial<ClaimRequest> = {}): Promise<string[]> {
    return (await this.take(over)).map(({ id }) => id)
  }

  ref(job: ClaimedJob): JobRef {
    return { queue: this.queue, id: job.id, seq: job.seq, token: job.token }
  }

  async settle(job: ClaimedJob, outcome: Outcome, followUps?: readonly FollowUps[]): Promise<SettleResult> {
    const settlement = { ref: this.ref(job), outcome, ...(followUps === undefined ? {} : { followUps }) }
    return only(await this.backend.settle([settlement]))
  }

  /** Settles what must still be ours. */
  async settled(job: ClaimedJob, outcome: Outcome): Promise<void> {
    assert.deepEqual(await this.settle(job, outcome), { status: 'ok', followUps: [] })
  }

  async start(job: ClaimedJob): Promise<string> {
    return only(await this.backend.start([this.ref(job)]))
  }

  /** A job that is in the hands of this worker, freshly added. */
  async held(job: Partial<NewJob> = {}, over: Partial<ClaimRequest> = {}): Promise<ClaimedJob> {
    const id = await this.addOne(job)
    const claimed = await this.takeOne({ types: [job.type ?? 'mail'], ...over })
    assert.equal(claimed.id, id)
    return claimed
  }

  /** A job that crashed once and waits. */
  async suspect(job: Partial<NewJob> = {}): Promise<string> {
    const other = new Subject(this.backend, this.harness, this.queue)
    const { id } = await other.held(job, { start: 1 })
    const report = await other.backend.releaseOwner(other.owner, POLICY)
    assert.deepEqual(report.crashed, [id])
    return id
  }

  // ------------------------------------------------------------------------------------------------ upkeep

  maintain(over: Partial<MaintainRequest> = {}): Promise<MaintainReport> {
    return this.backend.maintain({
      queue: this.queue,
      ...POLICY,
      leaseMs: LEASE,
      types: ['mail'],
      unhandledGraceMs: 60_000,
      limit: 1000,
      ...over,
    })
  }

  /** Lets time go by with upkeep as often as a worker does it, until `enough` says so; answers with the sum. */
  async upkeep(
    enough: (total: MaintainReport) => boolean,
    over: Partial<MaintainRequest> = {},
  ): Promise<MaintainReport> {
    let total = await this.maintain(over)
    for (let round = 0; round < 60 && !enough(total); round++) {
      await this.pass(LEASE / 8)
      const report = await this.maintain(over)
      total = {
        returned: total.returned + report.returned,
        crashed: [...total.crashed, ...report.crashed],
        dead: [...total.dead, ...report.dead],
        promoted: total.promoted + report.promoted,
        removed: total.removed + report.removed,
        unhandled: [...total.unhandled, ...report.unhandled],
        more: report.more,
      }
    }
    assert.ok(enough(total), `upkeep did not do in time what it should, but: ${JSON.stringify(total)}`)
    return total
  }

  /** Lets at least `ms` go by, with upkeep as often as a worker does it. */
  async passMaintained(ms: number, over: Partial<MaintainRequest> = {}): Promise<void> {
    await this.maintain(over)
    for (let left = ms; left > 0; left -= LEASE / 8) {
      await this.pass(Math.min(left, LEASE / 8))
      await this.maintain(over)
    }
  }

  // -------------------------------------------------------------------------------------------- inspecting

  async get(id: string): Promise<JobRecord> {
    const record = await this.backend.get(this.queue, id)
    assert.ok(record !== undefined, `expected job ${id} to be in the store`)
    return record
  }

  /** The job's state, or `gone`. */
  async state(id: string): Promise<string> {
    return (await this.backend.get(this.queue, id))?.state ?? 'gone'
  }

  /** The store's time of day. */
  async now(): Promise<number> {
    return (await this.backend.readSchedule(this.queue, 'clock')).now
  }

  /** The ids of what is waiting, in the order in which it would be taken; takes nothing for good. */
  async order(): Promise<string[]> {
    const jobs = await this.take()
    for (const job of jobs) await this.settled(job, RELEASE)
    return jobs.map(({ id }) => id)
  }
}

export function only<T>(items: readonly T[]): T {
  assert.equal(items.length, 1, `expected one, got: ${items.length}`)
  return items[0] as T
}

/** Waits, in real time, until `condition` holds; for what a store does in its own time, such as hints. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, `expected within 15 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
