import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, LEASE, newJob } from '../subject.ts'

export const enqueueCases: ConformanceCase[] = [
  ...topic('enqueue', {
    'answers for each job, in order, with a seq that grows': async (s) => {
      const jobs = [newJob(), newJob(), newJob()]
      const results = await s.enqueue(jobs)
      assert.deepEqual(
        results.map(({ id, status }) => ({ id, status })),
        jobs.map(({ id }) => ({ id, status: 'added' })),
      )
      const seqs = results.map((result) => (result.status === 'added' ? result.seq : Number.NaN))
      assert.deepEqual(
        seqs,
        [...seqs].sort((a, b) => a - b),
      )
      assert.equal(new Set(seqs).size, 3)
    },
    'of nothing is fine': async (s) => {
      assert.deepEqual(await s.enqueue([]), [])
    },
    'stores a job as waiting, with everything that came with it': async (s) => {
      const before = await s.now()
      const job = newJob({
        priority: 7,
        maxRetries: 4,
        dedupeMs: 5,
        expireMs: 90_000,
        headers: { traceparent: '00-ab-cd-01', tenant: 'ada' },
        tags: ['eu', 'slow'],
      })
      await s.enqueue([job])
      const record = await s.get(job.id)
      const after = await s.now()
      const { createdAt, expiresAt, seq, ...rest } = record
      assert.ok(createdAt >= before && createdAt <= after)
      assert.equal(expiresAt, createdAt + 90_000)
      assert.ok(seq > 0)
      assert.deepEqual(rest, {
        id: job.id,
        queue: s.queue,
        type: 'mail',
        payload: job.payload,
        codec: 'json',
        priority: 7,
        runAt: null,
        maxRetries: 4,
        dedupeMs: 5,
        headers: job.headers,
        tags: job.tags,
        key: null,
        uniqueKey: null,
        uniqueUntil: null,
        parent: null,
        state: 'waiting',
        attempt: 0,
        crashes: 0,
        started: false,
        owner: null,
        token: null,
        leaseUntil: null,
        heldSince: null,
        pending: 0,
        result: null,
        progress: null,
        error: null,
        history: [],
        finishedAt: null,
        keepUntil: null,
      })
    },
    'keeps the reserved fields': async (s) => {
      const id = await s.addOne({ key: 'lane-1', uniqueKey: 'u', uniqueMs: 60_000 })
      const record = await s.get(id)
      assert.equal(record.key, 'lane-1')
      assert.equal(record.uniqueKey, 'u')
      assert.equal(record.uniqueUntil, record.createdAt + 60_000)
    },
    'never gives a seq twice, even when everything was removed': async (s) => {
      const first = await s.held()
      await s.settled(first, DONE)
      const second = await s.held()
      assert.ok(second.seq > first.seq)
    },
    'rejects a payload above the limit, and only that one': async (s) => {
      const max = s.backend.capabilities.maxPayloadBytes
      const jobs = [newJob(), newJob({ payload: 'x'.repeat(max + 1) }), newJob()]
      const results = await s.enqueue(jobs)
      assert.deepEqual(
        results.map(({ status }) => status),
        ['added', 'rejected', 'added'],
      )
      const rejected = results[1]
      assert.ok(rejected?.status === 'rejected' && rejected.code === 'PAYLOAD_TOO_LARGE')
      assert.match(rejected.reason, new RegExp(String(max)))
      assert.equal(rejected.id, jobs[1]?.id)
      assert.equal(await s.state(rejected.id), 'gone')
    },
    'measures text by its UTF-8 bytes': async (s) => {
      const max = s.backend.capabilities.maxPayloadBytes
      const results = await s.enqueue([
        newJob({ payload: 'é'.repeat(Math.floor(max / 2) + 1) }),
        newJob({ payload: 'é'.repeat(Math.floor(max / 2)) }),
      ])
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'added'],
      )
    },
    'takes two jobs with the same payload as two jobs': async (s) => {
      await s.add({ payload: '1' }, { payload: '1' })
      assert.equal((await s.take()).length, 2)
    },
    'takes hundreds of jobs in one call and keeps their order': async (s) => {
      const ids = await s.add(...Array.from({ length: 700 }, () => ({})))
      assert.deepEqual(await s.takeIds({ limit: 1000 }), ids)
    },
  }),

  ...topic('idempotent add', {
    'adding a known id again is a duplicate and changes nothing': async (s) => {
      const job = newJob({ payload: '"first"' })
      const [added] = await s.enqueue([job])
      const before = await s.get(job.id)
      const [again] = await s.enqueue([{ ...job, payload: '"second"', priority: 9 }])
      assert.deepEqual(again, { ...added, status: 'duplicate' })
      assert.deepEqual(await s.get(job.id), before)
    },
    'an id twice in one batch is added once': async (s) => {
      const job = newJob()
      const results = await s.enqueue([job, job])
      assert.deepEqual(
        results.map(({ status }) => status),
        ['added', 'duplicate'],
      )
      assert.equal((await s.take()).length, 1)
    },
    'a job that is being run refuses its id': async (s) => {
      const job = newJob()
      await s.enqueue([job])
      await s.takeOne()
      assert.equal((await s.enqueue([job]))[0]?.status, 'duplicate')
    },
    'a job that is kept refuses its id': async (s) => {
      const job = newJob()
      await s.enqueue([job])
      await s.settled(await s.takeOne(), KEPT)
      assert.equal((await s.enqueue([job]))[0]?.status, 'duplicate')
      assert.equal(await s.state(job.id), 'done')
    },
    'within its window an id refuses a second add although the job is done': async (s) => {
      const job = newJob({ dedupeMs: 60_000 })
      await s.enqueue([job])
      await s.settled(await s.takeOne(), DONE)
      await s.maintain()
      assert.equal((await s.enqueue([job]))[0]?.status, 'duplicate')
      assert.deepEqual(await s.take(), [])
    },
    'of a job kept for its id alone the payload is given up': async (s) => {
      const id = await s.addOne({ dedupeMs: 60_000, payload: '"secret"' })
      const outcome = { kind: 'done', result: '"also secret"', keepMs: 0 } as const
      await s.settled(await s.takeOne(), outcome)
      const record = await s.get(id)
      assert.deepEqual([record.payload, record.codec, record.result], ['', 'none', null])
      assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 60_000)
    },
    'after its window an id is taken again, with a new seq': async (s) => {
      const job = newJob({ dedupeMs: LEASE / 2 })
      await s.enqueue([job])
      const first = await s.takeOne()
      await s.settled(first, DONE)
      await s.upkeep(({ removed }) => removed === 1)
      const [again] = await s.enqueue([job])
      assert.ok(again?.status === 'added' && again.seq > first.seq)
      assert.equal((await s.takeOne()).id, job.id)
    },
    'an id without a window is free as soon as its job is removed': async (s) => {
      const job = newJob()
      await s.enqueue([job])
      await s.settled(await s.takeOne(), DONE)
      assert.equal((await s.enqueue([job]))[0]?.status, 'added')
    },
    'a longer retention outlasts the window': async (s) => {
      const id = await s.addOne({ dedupeMs: 10 })
      await s.settled(await s.takeOne(), { ...DEAD, keepMs: 50_000 })
      const record = await s.get(id)
      assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 50_000)
      assert.equal(record.codec, 'json')
    },
  }),

  ...topic('max length', {
    'rejects what is above it as QUEUE_FULL and takes what fits': async (s) => {
      const results = await s.enqueue([newJob(), newJob(), newJob()], 2)
      assert.deepEqual(
        results.map(({ status }) => status),
        ['added', 'added', 'rejected'],
      )
      const [, , rejected] = results
      assert.ok(rejected?.status === 'rejected' && rejected.code === 'QUEUE_FULL')
      assert.match(rejected.reason, /2/)
    },
    'counts jobs that wait, are delayed or run': async (s) => {
      await s.held()
      await s.add({ delayMs: 60_000 }, {})
      assert.equal((await s.enqueue([newJob()], 3))[0]?.status, 'rejected')
      assert.equal((await s.enqueue([newJob()], 4))[0]?.status, 'added')
    },
    'does not count finished jobs': async (s) => {
      await s.settled(await s.held(), KEPT)
      await s.settled(await s.held(), DEAD)
      const [cancelled = ''] = await s.add({})
      await s.backend.cancel(s.queue, [cancelled], null)
      assert.equal((await s.enqueue([newJob()], 1))[0]?.status, 'added')
    },
    'a known id is a duplicate although the queue is full': async (s) => {
      const job = newJob()
      await s.enqueue([job], 1)
      assert.equal((await s.enqueue([job], 1))[0]?.status, 'duplicate')
    },
    'counts each queue by itself': async (s) => {
      await s.add({}, {})
      const other = s.at(`${s.queue}-2`)
      assert.equal((await other.enqueue([newJob()], 1))[0]?.status, 'added')
    },
  }),
]
