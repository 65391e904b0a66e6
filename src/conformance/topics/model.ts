import assert from 'node:assert/strict'
import type { CrashPolicy, Outcome } from '../../queue/backend.ts'
import type { Encoded, JobError, JobRecord, NewJob } from '../../queue/job.ts'
import { created, type JobEvent, transition } from '../../queue/transition.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, KEPT, newJob, POLICY, RETRY, type Subject } from '../subject.ts'

/** Brings a job into a state; answers with its id. */
type Scene = (s: Subject, job: Partial<NewJob>) => Promise<string>

/** Makes something happen to a job by the store's own operations; answers with what that is, if anything. */
type Act = (s: Subject, job: JobRecord) => Promise<JobEvent | undefined>

const settledAs =
  (outcome: Outcome): Scene =>
  async (s, job) => {
    const held = await s.held(job, { start: 1 })
    await s.settled(held, outcome)
    return held.id
  }

const SCENES: Readonly<Record<string, Scene>> = {
  waiting: (s, job) => s.addOne(job),
  'waiting suspect': (s, job) => s.suspect(job),
  'waiting after a retry': settledAs(RETRY),
  'waiting after a hold': settledAs({ kind: 'hold', again: { delayMs: 0 }, error: RETRY.error }),
  delayed: (s, job) => s.addOne({ ...job, delayMs: 3_600_000 }),
  'delayed after a retry': settledAs({ ...RETRY, again: { delayMs: 3_600_000 } }),
  claimed: async (s, job) => (await s.held(job)).id,
  started: async (s, job) => (await s.held(job, { start: 1 })).id,
  'started suspect': async (s, job) => {
    const id = await s.suspect(job)
    await s.startOne({ suspects: 'only' })
    return id
  },
  'started after a hold': async (s, job) => {
    const id = await settledAs({ kind: 'hold', again: { delayMs: 0 }, error: RETRY.error })(s, job)
    await s.startOne()
    return id
  },
  'started with a long history': async (s, job) => {
    const id = await s.addOne(job)
    for (let n = 0; n < 10; n++) await s.settled(await s.takeOne(), RETRY)
    await s.startOne()
    return id
  },
  done: settledAs({ ...KEPT, result: '1' }),
  dead: settledAs(DEAD),
  'dead, kept for its id': settledAs({ ...DEAD, keepMs: 0 }),
  cancelled: async (s, job) => {
    const id = await s.addOne(job)
    await s.backend.cancel(s.queue, [id], 60_000)
    return id
  },
}

const error: JobError = { name: 'TypeError', message: 'no', code: 'E_NO', stack: 'at x' }
const again = { delayMs: 60_000 }
const harsh: CrashPolicy = { maxCrashes: 1, keepDeadMs: 5_000 }

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  'done, removed': { kind: 'done', result: 'r', keepMs: 0 },
  'done, kept': { kind: 'done', result: 'r', keepMs: 70_000 },
  'done, kept for ever': { kind: 'done', result: null, keepMs: null },
  'retry at once': { kind: 'retry', again: { delayMs: 0 }, error },
  'retry later': { kind: 'retry', again, error },
  'retry at a time': { kind: 'retry', again: { runAt: 4_000_000_000_000 }, error },
  'snooze at once': { kind: 'snooze', again: { delayMs: 0 } },
  'snooze to a time': { kind: 'snooze', again: { runAt: 4_000_000_000_000 } },
  'hold for later': { kind: 'hold', again, error },
  'dead, kept': { kind: 'dead', error, keepMs: 80_000 },
  'dead, kept for ever': { kind: 'dead', error, keepMs: null },
  'dead, removed': { kind: 'dead', error, keepMs: 0 },
  'cancelled by its worker': { kind: 'cancelled', keepMs: null },
  release: { kind: 'release' },
  crash: { kind: 'crash', error, policy: { maxCrashes: 3, keepDeadMs: null } },
  'crash, the last': { kind: 'crash', error, policy: harsh },
}

const settle =
  (outcome: Outcome): Act =>
  async (s, { id, seq, token }) => {
    await s.backend.settle([{ ref: { queue: s.queue, id, seq, token: token ?? 'nobody:1' }, outcome }])
    // Whoever holds no claim can settle nothing, not even what `cancel` could give up.
    return token === null && outcome.kind === 'cancelled' ? undefined : outcome
  }

const reap =
  (policy: CrashPolicy): Act =>
  async (s) => {
    await s.backend.releaseOwner(s.owner, policy)
    return { kind: 'reap', policy }
  }

const cancel =
  (keepMs: number | null): Act =>
  async (s, { id }) => {
    await s.backend.cancel(s.queue, [id], keepMs)
    return { kind: 'cancelled', keepMs }
  }

const ACTS: Readonly<Record<string, Act>> = {
  ...Object.fromEntries(Object.entries(OUTCOMES).map(([name, outcome]) => [name, settle(outcome)])),
  start: async (s, { id, seq, token }) => {
    await s.backend.start([{ queue: s.queue, id, seq, token: token ?? 'nobody:1' }])
    return { kind: 'start' }
  },
  claim: async (s, { crashes }) => {
    const other = await s.another()
    const suspects = crashes > 0 ? 'only' : 'none'
    const request = other.request({ suspects, start: 1 })
    await other.backend.claim(request)
    return { kind: 'claim', owner: request.owner, token: request.token, leaseUntil: 0, started: true }
  },
  'death of the owner': reap(POLICY),
  'death of the owner, the last': reap(harsh),
  cancel: cancel(60_000),
  'cancel, removed': cancel(0),
  replay: async (s) => {
    await s.backend.replay({ queue: s.queue, limit: 10 })
    return { kind: 'replay' }
  },
}

export const modelCases: ConformanceCase[] = topic('model', {
  'a new job is as created() says': async (s) => {
    for (const over of [
      {},
      { delayMs: 60_000 },
      { runAt: 1 },
      { runAt: 4_000_000_000_000, expireMs: 70_000 },
    ]) {
      const job = newJob({ ...over, uniqueKey: 'u', uniqueMs: 5_000, dedupeMs: 7, tags: ['t'] })
      const before = await s.now()
      await s.enqueue([job])
      const slack = (await s.now()) - before
      const record = await s.get(job.id)
      same(record, created(s.queue, job, record.seq, before), slack, 'enqueue')
    }
  },
  ...Object.fromEntries(
    Object.entries(ACTS).map(([name, act]) => [
      `${name}: does in every state what transition() says`,
      async (s: Subject) => {
        for (const [scene, play] of Object.entries(SCENES)) {
          for (const dedupeMs of [0, 60_000]) {
            const at = s.at(`${s.queue}-${scene.replaceAll(/\W+/g, '-')}-${dedupeMs}`)
            await compare(at, await play(at, { dedupeMs }), act, `${name} of ${scene}`)
          }
        }
      },
    ]),
  ),
})

/** Lets `act` happen to a job and holds what became of it against the model. */
async function compare(s: Subject, id: string, act: Act, what: string): Promise<void> {
  const before = await s.backend.get(s.queue, id)
  // Some scenes leave nothing behind, as when a dead letter is not to be kept.
  if (before === undefined) return
  const now = await s.now()
  const event = await act(s, before)
  const slack = (await s.now()) - now
  const change = event && transition(before, event, now)
  const after = await s.backend.get(s.queue, id)
  if (change?.removed) {
    assert.equal(after, undefined, `${what}: expected the job to be removed`)
    return
  }
  assert.ok(after !== undefined, `${what}: expected the job to be there`)
  same(after, { ...before, ...change }, slack, what)
}

const TIMES = [
  'createdAt',
  'runAt',
  'expiresAt',
  'uniqueUntil',
  'heldSince',
  'finishedAt',
  'keepUntil',
] as const

/** Equal but for the time that went by; a lease is compared for being there at all. */
function same(actual: JobRecord, expected: JobRecord, slack: number, what: string): void {
  const times = (record: JobRecord): (number | null)[] => [
    ...TIMES.map((name) => record[name]),
    ...record.history.map(({ at }) => at),
  ]
  const there = times(actual)
  for (const [n, time] of times(expected).entries()) {
    const near = time === null ? there[n] === null : Math.abs((there[n] ?? Number.NaN) - time) <= slack
    assert.ok(near, `${what}: expected times ${times(expected).join()}, got: ${there.join()}`)
  }
  assert.deepEqual(timeless(actual), timeless(expected), what)
}

function timeless(record: JobRecord): Record<string, unknown> {
  return {
    ...record,
    ...Object.fromEntries(TIMES.map((name) => [name, null])),
    history: record.history.map(({ event, error }) => ({ event, error })),
    payload: plain(record.payload),
    leaseUntil: record.leaseUntil !== null,
  }
}

const plain = (encoded: Encoded): Encoded => (typeof encoded === 'string' ? encoded : new Uint8Array(encoded))
