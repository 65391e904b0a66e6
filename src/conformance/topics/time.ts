import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { LEASE, only, RELEASE } from '../subject.ts'

export const timeCases: ConformanceCase[] = [
  ...topic('delayed', {
    'a delay is counted from the moment the store takes the job': async (s) => {
      const record = await s.get(await s.addOne({ delayMs: 60_000 }))
      assert.deepEqual([record.state, record.runAt], ['delayed', record.createdAt + 60_000])
    },
    'a time of day is kept as it is': async (s) => {
      const runAt = (await s.now()) + 123_456
      const record = await s.get(await s.addOne({ runAt }))
      assert.deepEqual([record.state, record.runAt], ['delayed', runAt])
    },
    'a time that is over is no delay': async (s) => {
      const record = await s.get(await s.addOne({ runAt: (await s.now()) - 1 }))
      assert.deepEqual([record.state, record.runAt], ['waiting', null])
    },
    'a job is not taken before it is due': async (s) => {
      await s.add({ delayMs: 60_000 })
      await s.maintain()
      assert.deepEqual(await s.take(), [])
    },
    'a claim takes what is due, or says that it is': async (s) => {
      await s.add({ delayMs: 20 })
      await s.pass(40)
      const { jobs, nextDueMs } = await s.claim()
      assert.ok(jobs.length === 1 || nextDueMs === 0)
    },
    'upkeep promotes what is due, and nothing else': async (s) => {
      const [soon, late] = await s.add({ delayMs: 20 }, { delayMs: 60_000 })
      await s.pass(40)
      assert.equal((await s.maintain()).promoted, 1)
      assert.deepEqual([await s.state(soon ?? ''), await s.state(late ?? '')], ['waiting', 'delayed'])
      assert.equal((await s.get(soon ?? '')).runAt, null)
    },
    'promotion goes in bounded steps': async (s) => {
      await s.add(...Array.from({ length: 10 }, () => ({ delayMs: 20 })))
      await s.pass(40)
      const first = await s.maintain({ limit: 4 })
      assert.deepEqual([first.promoted, first.more], [4, true])
      await s.maintain({ limit: 4 })
      const last = await s.maintain({ limit: 4 })
      assert.deepEqual([last.promoted, last.more], [2, false])
    },
    'due jobs come by priority, not by time': async (s) => {
      const [a, b] = await s.add({ delayMs: 20, priority: 1 }, { delayMs: 40, priority: 2 })
      await s.pass(60)
      await s.maintain()
      assert.deepEqual(await s.takeIds(), [b, a])
    },
  }),

  ...topic(
    'delayed',
    {
      'delays go by the time of day': async (s) => {
        const id = await s.addOne({ delayMs: 3_600_000 })
        await s.harness.jumpWall?.(3_600_000)
        await s.maintain()
        assert.equal((await s.takeOne()).id, id)
      },
    },
    'jumpWall',
  ),

  ...topic('expiry', {
    'a job that was not started in time is not given': async (s) => {
      await s.add({ expireMs: 20 })
      await s.pass(40)
      assert.deepEqual(await s.take(), [])
    },
    'it is dead-lettered as JOB_EXPIRED, with no attempt spent': async (s) => {
      const id = await s.addOne({ expireMs: 20 })
      await s.pass(40)
      await s.maintain()
      const record = await s.get(id)
      assert.deepEqual(
        [record.state, record.error?.code, record.error?.name, record.attempt, record.keepUntil],
        ['dead', 'JOB_EXPIRED', 'JobExpiredError', 0, null],
      )
      assert.equal(record.history[0]?.event, 'dead')
    },
    'a job that nobody handles expires as well': async (s) => {
      const id = await s.addOne({ type: 'fax', expireMs: 20 })
      await s.pass(40)
      await s.maintain()
      assert.equal(await s.state(id), 'dead')
    },
    'a delayed job expires before it is due': async (s) => {
      const id = await s.addOne({ delayMs: 60_000, expireMs: 20 })
      await s.pass(40)
      await s.maintain()
      assert.equal(await s.state(id), 'dead')
    },
    'a job in the hands of a worker does not expire': async (s) => {
      const job = await s.held({ expireMs: 60 }, { start: 1 })
      await s.pass(100)
      await s.maintain()
      assert.equal(await s.state(job.id), 'active')
      await s.settled(job, { kind: 'done', result: null, keepMs: 0 })
    },
    'a job that comes back after its time is not given again': async (s) => {
      const job = await s.held({ expireMs: 60 })
      await s.pass(100)
      await s.settled(job, RELEASE)
      await s.maintain()
      assert.deepEqual(await s.take(), [])
      assert.equal((await s.get(job.id)).error?.code, 'JOB_EXPIRED')
    },
    'expired jobs do not hide those behind them': async (s) => {
      await s.add(...Array.from({ length: 30 }, () => ({ expireMs: 20, priority: 9 })))
      await s.pass(40)
      const id = await s.addOne()
      await s.maintain()
      assert.equal((await s.takeOne({ limit: 1 })).id, id)
    },
    'a replayed job expires no more': async (s) => {
      const id = await s.addOne({ expireMs: 20 })
      await s.pass(40)
      await s.maintain()
      await s.backend.replay({ queue: s.queue, limit: 10 })
      await s.maintain()
      assert.equal((await s.takeOne()).id, id)
    },
  }),

  ...topic('retention', {
    'a finished job is removed when its time is over, and not before': async (s) => {
      const job = await s.held()
      await s.settled(job, { kind: 'done', result: '1', keepMs: LEASE })
      assert.equal((await s.maintain()).removed, 0)
      assert.equal(await s.state(job.id), 'done')
      await s.upkeep(({ removed }) => removed === 1)
      assert.equal(await s.state(job.id), 'gone')
    },
    'dead and cancelled jobs have it as well': async (s) => {
      const [a, b] = [await s.held(), await s.addOne()]
      const error = { name: 'E', message: 'm', code: null, stack: null }
      await s.settled(a, { kind: 'dead', error, keepMs: 20 })
      await s.backend.cancel(s.queue, [b], 20)
      await s.upkeep(({ removed }) => removed === 2)
      assert.deepEqual([await s.state(a.id), await s.state(b)], ['gone', 'gone'])
    },
    'what is kept until purged stays': async (s) => {
      const job = await s.held()
      await s.settled(job, { kind: 'done', result: null, keepMs: null })
      await s.passMaintained(LEASE)
      assert.equal(await s.state(job.id), 'done')
    },
    'removes in bounded steps': async (s) => {
      await s.add(...Array.from({ length: 5 }, () => ({})))
      for (const job of await s.take()) await s.settled(job, { kind: 'done', result: null, keepMs: 10 })
      await s.pass(40)
      const first = await s.maintain({ limit: 3 })
      assert.deepEqual([first.removed, first.more], [3, true])
      const last = await s.maintain({ limit: 3 })
      assert.deepEqual([last.removed, last.more], [2, false])
    },
    'a replayed job is not removed any more': async (s) => {
      const id = await s.addOne()
      await s.backend.cancel(s.queue, [id], 20)
      await s.backend.replay({ queue: s.queue, limit: 10 })
      await s.pass(40)
      await s.maintain()
      assert.equal(await s.state(id), 'waiting')
    },
  }),

  ...topic('upkeep', {
    'of a queue that was never used does nothing': async (s) => {
      assert.deepEqual(await s.maintain(), {
        returned: 0,
        crashed: [],
        dead: [],
        promoted: 0,
        removed: 0,
        unhandled: [],
        more: false,
      })
    },
    'after a gap leaves leases for the length of one, so that their owners can come back': async (s) => {
      await s.maintain()
      const job = await s.held()
      await s.pass(LEASE * 3)
      assert.equal((await s.maintain()).returned, 0)
      assert.equal(only(await s.backend.renew(s.owner, LEASE)).id, job.id)
      await s.settled(job, { kind: 'done', result: null, keepMs: 0 })
    },
    'reaps after that, when the owner did not come back': async (s) => {
      await s.maintain()
      const job = await s.held()
      await s.pass(LEASE * 3)
      await s.upkeep(({ returned }) => returned === 1)
      assert.equal(await s.state(job.id), 'waiting')
    },
    'that was never done counts as a gap': async (s) => {
      const job = await s.held()
      await s.pass(LEASE * 1.5)
      assert.equal((await s.maintain()).returned, 0)
      await s.upkeep(({ returned }) => returned === 1)
      assert.equal(await s.state(job.id), 'waiting')
    },
    'reaps in bounded steps': async (s) => {
      await s.add(...Array.from({ length: 5 }, () => ({})))
      await s.maintain()
      await s.take()
      const report = await s.upkeep(({ returned }) => returned > 0, { limit: 3 })
      assert.deepEqual([report.returned, report.more], [3, true])
      assert.equal((await s.maintain({ limit: 3 })).returned, 2)
    },
    'of one queue leaves the others alone': async (s) => {
      const other = s.at(`${s.queue}-2`)
      const job = await other.held()
      await s.passMaintained(LEASE * 2)
      assert.equal(await other.state(job.id), 'active')
    },
  }),

  ...topic('unhandled types', {
    'are reported, with the time for which nobody ran them': async (s) => {
      await s.add({ type: 'fax' })
      const { unhandled } = await s.upkeep((total) => (total.unhandled.at(-1)?.forMs ?? 0) >= LEASE / 2)
      assert.ok(unhandled.every(({ type, dead }) => type === 'fax' && dead === 0))
    },
    'are dead-lettered as UNKNOWN_JOB_TYPE after the grace period': async (s) => {
      const [fax, mail] = await s.add({ type: 'fax' }, { type: 'mail' })
      const grace = { unhandledGraceMs: LEASE }
      await s.upkeep((total) => total.unhandled.some(({ dead }) => dead === 1), grace)
      const record = await s.get(fax ?? '')
      assert.deepEqual([record.state, record.error?.code, record.attempt], ['dead', 'UNKNOWN_JOB_TYPE', 0])
      assert.match(record.error?.message ?? '', /fax/)
      assert.equal(await s.state(mail ?? ''), 'waiting')
    },
    'that some worker handles are left alone': async (s) => {
      const other = await s.another()
      const id = await s.addOne({ type: 'fax' })
      for (let n = 0; n < 16; n++) {
        await other.maintain({ types: ['fax'], unhandledGraceMs: LEASE })
        assert.deepEqual((await s.maintain({ unhandledGraceMs: LEASE })).unhandled, [])
        await s.pass(LEASE / 8)
      }
      assert.equal(await s.state(id), 'waiting')
    },
    'of which nothing can run are not reported': async (s) => {
      await s.add({ type: 'fax', delayMs: 60_000 })
      await s.maintain()
      await s.pass(LEASE / 4)
      assert.deepEqual((await s.maintain()).unhandled, [])
    },
    'have their full grace after an outage of all workers': async (s) => {
      const id = await s.addOne({ type: 'fax' })
      await s.maintain({ unhandledGraceMs: LEASE * 2 })
      await s.pass(LEASE * 3)
      await s.maintain({ unhandledGraceMs: LEASE * 2 })
      await s.pass(LEASE / 8)
      await s.maintain({ unhandledGraceMs: LEASE * 2 })
      assert.equal(await s.state(id), 'waiting')
    },
    'can be replayed when somebody handles them': async (s) => {
      const id = await s.addOne({ type: 'fax' })
      await s.upkeep((total) => total.unhandled.some(({ dead }) => dead === 1), { unhandledGraceMs: LEASE })
      await s.backend.replay({ queue: s.queue, ids: [id], limit: 1 })
      assert.equal((await s.takeOne({ types: ['fax'] })).id, id)
    },
  }),
]
