import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, newJob } from '../subject.ts'

export const enqueueCases: ConformanceCase[] = topic('enqueue', {
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
})
