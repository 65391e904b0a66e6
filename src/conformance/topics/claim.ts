import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, LEASE, only, RELEASE, RETRY } from '../subject.ts'

export const claimCases: ConformanceCase[] = [
  ...topic('claim', {
    'gives what running a job needs': async (s) => {
      const id = await s.addOne({
        maxRetries: 2,
        headers: { a: 'b' },
        tags: ['t'],
        key: 'k',
        expireMs: 60_000,
      })
      const token = `${s.owner}:one`
      const job = await s.takeOne({ token })
      const record = await s.get(id)
      assert.deepEqual(job, {
        id,
        seq: record.seq,
        type: 'mail',
        priority: 1,
        payload: '{"to":"ada"}',
        codec: 'json',
        attempt: 0,
        crashes: 0,
        maxRetries: 2,
        createdAt: record.createdAt,
        expiresAt: record.createdAt + 60_000,
        heldSince: null,
        headers: { a: 'b' },
        tags: ['t'],
        key: 'k',
        token,
        started: false,
      })
    },
    'makes jobs active, with owner, token and lease': async (s) => {
      const job = await s.held()
      const record = await s.get(job.id)
      assert.deepEqual(
        [record.state, record.owner, record.token, record.started],
        ['active', s.owner, job.token, false],
      )
      assert.equal(typeof record.leaseUntil, 'number')
    },
    'gives a job to one worker only': async (s) => {
      const other = await s.another()
      await s.add(...Array.from({ length: 50 }, () => ({})))
      const taken = await Promise.all(
        Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? s : other).takeIds({ limit: 5 })),
      )
      const ids = taken.flat()
      assert.equal(ids.length, 50)
      assert.equal(new Set(ids).size, 50)
    },
    'takes no more than the limit': async (s) => {
      await s.add({}, {}, {})
      assert.equal((await s.take({ limit: 2 })).length, 2)
      assert.equal((await s.take({ limit: 2 })).length, 1)
      assert.equal((await s.take({ limit: 2 })).length, 0)
    },
    'with limit 0 takes nothing and tells the rest': async (s) => {
      await s.add({}, { delayMs: 60_000 })
      const { jobs, nextDueMs, paused } = await s.claim({ limit: 0 })
      assert.deepEqual(jobs, [])
      assert.equal(paused, false)
      assert.ok(nextDueMs !== null && nextDueMs > 0 && nextDueMs <= 60_000)
    },
    'takes only the types that it names': async (s) => {
      const [mail, , sms] = await s.add({ type: 'mail' }, { type: 'fax' }, { type: 'sms' })
      assert.deepEqual(await s.takeIds({ types: ['sms', 'mail'] }), [mail, sms])
      assert.deepEqual(await s.take({ types: ['letter'] }), [])
      assert.deepEqual(await s.take({ types: [] }), [])
    },
    'takes no more payload than maxBytes': async (s) => {
      await s.add(...Array.from({ length: 5 }, () => ({ payload: 'x'.repeat(100) })))
      assert.equal((await s.take({ maxBytes: 250 })).length, 2)
      assert.equal((await s.take({ maxBytes: 300 })).length, 3)
    },
    'takes one job although it is larger than maxBytes': async (s) => {
      await s.add({ payload: 'x'.repeat(100) }, { payload: 'y' })
      assert.equal((await s.takeOne({ maxBytes: 10 })).payload.length, 100)
      assert.equal((await s.takeOne({ maxBytes: 10 })).payload, 'y')
    },
    'from a queue that was never used gives nothing': async (s) => {
      const result = await s.claim()
      assert.deepEqual(
        [result.jobs, result.suspectWaiting, result.nextDueMs, result.paused],
        [[], false, null, false],
      )
    },
    'records the start of the first so many': async (s) => {
      await s.add({}, {}, {})
      const jobs = await s.take({ start: 2 })
      assert.deepEqual(
        jobs.map(({ started }) => started),
        [true, true, false],
      )
      for (const { id, started } of jobs) assert.equal((await s.get(id)).started, started)
    },
    'tells when the next delayed job is due': async (s) => {
      await s.add({ delayMs: 50_000 }, { delayMs: 9_000 })
      const { nextDueMs } = await s.claim()
      assert.ok(nextDueMs !== null && nextDueMs > 5_000 && nextDueMs <= 9_000)
    },
  }),

  ...topic('order', {
    'first in is first out': async (s) => {
      const first = await s.add({}, {}, {})
      const second = await s.add({}, {})
      assert.deepEqual(await s.takeIds(), [...first, ...second])
    },
    'the most urgent comes first, equals in the order of their add': async (s) => {
      const [a, b, c, d, e] = await s.add(
        { priority: 1 },
        { priority: 1000 },
        { priority: 0 },
        { priority: 1000 },
        { priority: 1 },
      )
      assert.deepEqual(await s.takeIds(), [b, d, a, e, c])
    },
    'holds across calls and over types': async (s) => {
      const [a, b, c, d] = await s.add(
        { type: 'sms', priority: 2 },
        { type: 'mail', priority: 3 },
        { type: 'mail', priority: 2 },
        { type: 'sms', priority: 3 },
      )
      const types = ['mail', 'sms']
      assert.deepEqual(await s.takeIds({ types, limit: 3 }), [b, d, a])
      assert.deepEqual(await s.takeIds({ types, limit: 3 }), [c])
    },
    'what was added later and is more urgent overtakes': async (s) => {
      const [calm] = await s.add({ priority: 1 })
      const [urgent] = await s.add({ priority: 2 })
      assert.deepEqual(await s.takeIds({ limit: 1 }), [urgent])
      assert.deepEqual(await s.takeIds({ limit: 1 }), [calm])
    },
    'a job that was handed back has its old place': async (s) => {
      const ids = await s.add({}, {}, {})
      const jobs = await s.take({ limit: 2 })
      for (const job of jobs.toReversed()) await s.settled(job, RELEASE)
      assert.deepEqual(await s.takeIds(), ids)
    },
    'a job that is tried again has its old place and seq': async (s) => {
      const ids = await s.add({}, {})
      const first = await s.takeOne({ limit: 1 })
      await s.settled(first, RETRY)
      const jobs = await s.take()
      assert.deepEqual(
        jobs.map(({ id }) => id),
        ids,
      )
      assert.equal(jobs[0]?.seq, first.seq)
    },
    'a job whose lease expired has its old place': async (s) => {
      const ids = await s.add({}, {}, {})
      await s.maintain()
      await s.take({ limit: 2 })
      await s.upkeep(({ returned }) => returned === 2)
      assert.deepEqual(await s.takeIds(), ids)
    },
    'a delayed job keeps its place by seq when it is due': async (s) => {
      const ids = await s.add({ delayMs: 30 }, {})
      await s.pass(60)
      await s.maintain()
      assert.deepEqual(await s.takeIds(), ids)
    },
    'a replayed job keeps its place by seq': async (s) => {
      const ids = await s.add({}, {})
      const first = await s.takeOne({ limit: 1 })
      await s.settled(first, {
        kind: 'dead',
        error: { name: 'E', message: 'm', code: null, stack: null },
        keepMs: null,
      })
      await s.backend.replay({ queue: s.queue, limit: 10 })
      assert.deepEqual(await s.takeIds(), ids)
    },
    'urgent delayed jobs hold nobody up': async (s) => {
      await s.add(...Array.from({ length: 20 }, () => ({ priority: 1000, delayMs: 60_000 })))
      const [id] = await s.add({ priority: 0 })
      assert.deepEqual(await s.takeIds({ limit: 1 }), [id])
    },
  }),

  ...topic('lost reply', {
    'the same token gives the same jobs again and takes no others': async (s) => {
      await s.add({}, {}, {})
      const request = s.request({ limit: 2, start: 1 })
      const { jobs } = await s.backend.claim(request)
      const again = await s.backend.claim(request)
      assert.deepEqual(again.jobs, jobs)
      assert.equal((await s.take()).length, 1)
    },
    'only those that are still held are given again': async (s) => {
      await s.add({}, {})
      const request = s.request()
      const [first, second] = (await s.backend.claim(request)).jobs
      assert.ok(first !== undefined && second !== undefined)
      await s.settled(first, DONE)
      assert.deepEqual((await s.backend.claim(request)).jobs, [second])
    },
    'a token that took nothing takes what has come since': async (s) => {
      const request = s.request()
      assert.deepEqual((await s.backend.claim(request)).jobs, [])
      const id = await s.addOne()
      assert.equal(only((await s.backend.claim(request)).jobs).id, id)
    },
    'jobs are given again although the queue was paused meanwhile': async (s) => {
      await s.addOne()
      const request = s.request()
      const { jobs } = await s.backend.claim(request)
      await s.backend.pause(s.queue)
      assert.deepEqual((await s.backend.claim(request)).jobs, jobs)
    },
    'an exchange that is asked again settles nothing twice and gives the same jobs': async (s) => {
      const held = await s.held()
      await s.add({}, {})
      const request = s.request({ limit: 1 })
      const settlements = [
        { ref: s.ref(held), outcome: DONE, followUps: [{ queue: `${s.queue}-next`, jobs: [] }] },
      ]
      const first = await s.backend.exchange(settlements, request)
      const again = await s.backend.exchange(settlements, request)
      assert.deepEqual(again.claimed.jobs, first.claimed.jobs)
      assert.deepEqual(again.settled, [{ status: 'stale' }])
    },
    'adding again after a lost reply gives the same seq': async (s) => {
      const other = await s.another()
      const jobs = [{ id: 'a' }, { id: 'b' }]
      await s.add(...jobs)
      const records = await Promise.all(jobs.map(({ id }) => s.get(id)))
      const again = await other.enqueue(records.map((record) => ({ ...record, ...NO_TIMES })))
      assert.deepEqual(
        again,
        records.map(({ id, seq }) => ({ status: 'duplicate', id, seq })),
      )
    },
    'jobs of the lost claim of a dead owner come back': async (s) => {
      const ids = await s.add({}, {})
      const dead = await s.another()
      await dead.claim()
      const report = await s.backend.releaseOwner(dead.owner, { maxCrashes: 2, keepDeadMs: null })
      assert.deepEqual(report, { returned: 2, crashed: [], dead: [] })
      assert.deepEqual(await s.takeIds({ leaseMs: LEASE }), ids)
    },
  }),
]

const NO_TIMES = { delayMs: 0, expireMs: null, uniqueMs: null } as const
