import assert from 'node:assert/strict'
import type { EnqueueResult, Outcome, SettleResult } from '../../queue/backend.ts'
import type { ClaimedJob, JobRecord, NewJob } from '../../queue/job.ts'
import { type ConformanceCase, type OpenTransaction, topic } from '../case.ts'
import {
  DEAD,
  DONE,
  eventually,
  KEPT,
  LEASE,
  newJob,
  only,
  POLICY,
  RELEASE,
  RETRY,
  type Subject,
} from '../subject.ts'

const SNOOZE: Outcome = { kind: 'snooze', again: { delayMs: 60_000 } }
const OUTCOMES: readonly Outcome[] = [
  DONE,
  KEPT,
  RETRY,
  SNOOZE,
  { ...RETRY, kind: 'hold', again: { delayMs: 60_000 } },
  DEAD,
  { kind: 'cancelled', keepMs: null },
  RELEASE,
  { kind: 'crash', error: RETRY.error, policy: POLICY },
]

export const transactionsCases: ConformanceCase[] = topic(
  'transactions',
  {
    'a job that was added in one is there for nobody before the commit, and for everyone after it': async (
      s,
    ) => {
      const jobs = [newJob(), newJob({ delayMs: 60_000 })]
      const transaction = await begin(s)
      const results = await enqueue(s, transaction, jobs)
      assert.deepEqual(
        results.map(({ status }) => status),
        ['added', 'added'],
      )
      assert.deepEqual([await s.state(jobs[0]!.id), (await s.take()).length], ['gone', 0])
      await transaction.commit()
      const [{ counts }] = [only(await s.backend.stats(s.queue))]
      assert.deepEqual([counts.waiting, counts.delayed], [1, 1])
      assert.equal((await s.takeOne()).id, jobs[0]!.id)
    },
    'a rollback leaves no trace of a job, its type or its queue': async (s) => {
      const job = newJob({ type: 'new-type', tags: ['a'], dedupeMs: 60_000 })
      const transaction = await begin(s)
      await enqueue(s, transaction, [job, newJob()])
      await transaction.rollBack()
      assert.deepEqual(await trace(s), { records: [], counts: await noCounts(s) })
      assert.equal(only(await s.enqueue([job])).status, 'added')
      const other = await s.another()
      assert.equal((await other.takeOne({ types: ['new-type'] })).id, job.id)
    },
    'what was added in it is known in it': async (s) => {
      const job = newJob()
      const transaction = await begin(s)
      const first = only(await enqueue(s, transaction, [job]))
      const second = only(await enqueue(s, transaction, [job]))
      assert.deepEqual([first.status, second.status], ['added', 'duplicate'])
      await transaction.commit()
      assert.equal(only(await s.take()).id, job.id)
    },
    'a full queue refuses in it as well, and the rest stays possible': async (s) => {
      await s.addOne()
      const transaction = await begin(s)
      const results = await enqueue(s, transaction, [newJob(), newJob()], 2)
      assert.deepEqual(
        results.map(({ status }) => status),
        ['added', 'rejected'],
      )
      await transaction.commit()
      assert.equal((await s.take()).length, 2)
    },
    'watchers hear of a job after the commit': async (s) => {
      let hints = 0
      const transaction = await begin(s)
      const end = s.backend.watch(s.queue, () => hints++)
      await enqueue(s, transaction, [newJob()])
      await transaction.commit()
      await eventually(() => hints > 0, 'a hint')
      end()
    },
    'a job that is settled in one is done with the commit': async (s) => {
      const job = await s.held()
      const transaction = await begin(s)
      assert.deepEqual(await settle(s, transaction, job, DONE), { status: 'ok', followUps: [] })
      assert.equal(await s.state(job.id), 'active')
      await transaction.commit()
      assert.equal(await s.state(job.id), 'gone')
      assert.deepEqual(await s.settle(job, RETRY), { status: 'stale' })
    },
    'a job that was settled in one is as it was after a rollback': async (s) => {
      for (const outcome of OUTCOMES) {
        const job = await s.held()
        const before = await trace(s)
        const transaction = await begin(s)
        const followUps = [{ queue: s.queue, jobs: [newJob()] }]
        assert.equal((await settle(s, transaction, job, outcome, followUps)).status, 'ok', outcome.kind)
        await transaction.rollBack()
        assert.deepEqual(await trace(s), before, outcome.kind)
        await s.settled(job, DONE)
      }
    },
    'every outcome does in one what it does without': async (s) => {
      for (const outcome of OUTCOMES) {
        const [inside, outside] = [
          s.at(`${s.queue}-in-${outcome.kind}`),
          s.at(`${s.queue}-out-${outcome.kind}`),
        ]
        const [a, b] = [await inside.held(), await outside.held()]
        const transaction = await begin(s)
        await settle(inside, transaction, a, outcome)
        await transaction.commit()
        await outside.settle(b, outcome)
        assert.deepEqual((await trace(inside)).counts, (await trace(outside)).counts, outcome.kind)
        assert.equal(await inside.state(a.id), await outside.state(b.id), outcome.kind)
      }
    },
    'follow-ups come with the commit': async (s) => {
      const job = await s.held()
      const next = newJob()
      const transaction = await begin(s)
      const settled = await settle(s, transaction, job, DONE, [{ queue: s.queue, jobs: [next] }])
      assert.ok(settled.status === 'ok')
      assert.equal(only(settled.followUps).status, 'added')
      assert.equal(await s.state(next.id), 'gone')
      await transaction.commit()
      assert.equal((await s.takeOne()).id, next.id)
    },
    'adds and settles can be in one, and are both there or neither': async (s) => {
      for (const commits of [false, true]) {
        const job = await s.held()
        const added = newJob({ delayMs: 60_000 })
        const transaction = await begin(s)
        await enqueue(s, transaction, [added])
        await settle(s, transaction, job, KEPT)
        await (commits ? transaction.commit() : transaction.rollBack())
        const states = [await s.state(added.id), await s.state(job.id)]
        assert.deepEqual(states, commits ? ['delayed', 'done'] : ['gone', 'active'])
        if (!commits) await s.settled(job, DONE)
      }
    },
    'a stale token is reported in it and changes nothing': async (s) => {
      const job = await s.held()
      await s.settled(job, RELEASE)
      const again = await s.takeOne()
      const transaction = await begin(s)
      assert.deepEqual(await settle(s, transaction, job, DONE), { status: 'stale' })
      await transaction.commit()
      assert.equal((await s.get(job.id)).token, again.token)
    },
    'a settle of the same job learns whether it was committed': async (s) => {
      for (const commits of [true, false]) {
        const job = await s.held()
        const transaction = await begin(s)
        await settle(s, transaction, job, DONE)
        const asking = s.settle(job, RELEASE)
        asking.catch(() => {})
        await (commits ? transaction.commit() : transaction.rollBack())
        assert.equal((await patiently(asking, () => s.settle(job, RELEASE))).status, commits ? 'stale' : 'ok')
        if (!commits) await s.settled(await s.takeOne(), DONE)
      }
    },
    'a renewal answers with a job whose settle is not committed': async (s) => {
      const job = await s.held()
      const transaction = await begin(s)
      await settle(s, transaction, job, DONE)
      const renewing = s.backend.renew(s.owner, LEASE)
      await transaction.rollBack()
      assert.deepEqual(await renewing, [{ id: job.id, token: job.token }])
    },
    'a job whose lease runs out meanwhile is not reaped': async (s) => {
      const job = await s.held({}, { start: 1 })
      await s.passMaintained(LEASE / 2)
      const transaction = await begin(s)
      await settle(s, transaction, job, DONE)
      await s.pass(LEASE * 0.75)
      const maintaining = s.maintain()
      await transaction.commit()
      const { returned, crashed, dead } = await maintaining
      assert.deepEqual([returned, crashed, dead, await s.state(job.id)], [0, [], [], 'gone'])
    },
    'a client without an open transaction is refused': async (s) => {
      const transaction = await begin(s)
      await transaction.commit()
      await assert.rejects(enqueue(s, transaction, [newJob()]), { code: 'INVALID_OPTION' })
      assert.equal((await s.take()).length, 0)
    },
  },
  'transactions',
)

export const refusedTransactionsCases: ConformanceCase[] = topic('transactions', {
  'what is no transaction of the store is refused, and nothing happens': async (s) => {
    const job = await s.held()
    const code = s.backend.capabilities.transactions ? 'INVALID_OPTION' : 'UNSUPPORTED'
    for (const client of [{}, 'begin', 1, null]) {
      const request = { queue: s.queue, jobs: [newJob()], maxLength: null }
      await assert.rejects(s.backend.enqueue(request, client), { code })
      await assert.rejects(s.backend.settle([{ ref: s.ref(job), outcome: DONE }], client), { code })
    }
    assert.deepEqual([(await s.take()).length, await s.state(job.id)], [0, 'active'])
  },
})

function begin({ harness }: Subject): Promise<OpenTransaction> {
  assert.ok(harness.transaction !== undefined, 'expected the harness of such a store to begin transactions')
  return harness.transaction()
}

function enqueue(
  { backend, queue }: Subject,
  { client }: OpenTransaction,
  jobs: readonly NewJob[],
  maxLength: number | null = null,
): Promise<EnqueueResult[]> {
  return backend.enqueue({ queue, jobs, maxLength }, client)
}

async function settle(
  s: Subject,
  { client }: OpenTransaction,
  job: ClaimedJob,
  outcome: Outcome,
  followUps: readonly { queue: string; jobs: readonly NewJob[] }[] = [],
): Promise<SettleResult> {
  return only(await s.backend.settle([{ ref: s.ref(job), outcome, followUps }], client))
}

/** All that can be seen of a queue. */
async function trace({ backend, queue }: Subject): Promise<{ records: JobRecord[]; counts: unknown }> {
  const { counts } = only(await backend.stats(queue))
  return { records: await backend.list({ queue, limit: 100 }), counts }
}

async function noCounts({ backend, queue }: Subject): Promise<unknown> {
  return only(await backend.stats(`${queue}-never-used`)).counts
}

/** A store may give up waiting for a transaction, and say that it is worth another try. */
async function patiently<T>(first: Promise<T>, again: () => Promise<T>): Promise<T> {
  try {
    return await first
  } catch (error) {
    if ((error as { retryable?: unknown }).retryable !== true) throw error
    return patiently(again(), again)
  }
}
