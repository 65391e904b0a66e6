import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, newJob, only } from '../subject.ts'

export const followUpsCases: ConformanceCase[] = topic('follow-ups', {
  'are enqueued with the settle, in any queue, and answered in order': async (s) => {
    const job = await s.held()
    const next = s.at(`${s.queue}-next`)
    const [a, b, c] = [newJob(), newJob({ delayMs: 60_000 }), newJob()]
    const result = await s.settle(job, DONE, [
      { queue: next.queue, jobs: [a, b] },
      { queue: s.queue, jobs: [c] },
    ])
    assert.ok(result.status === 'ok')
    assert.deepEqual(
      result.followUps.map(({ id, status }) => [id, status]),
      [a, b, c].map(({ id }) => [id, 'added']),
    )
    assert.deepEqual([await next.state(a.id), await next.state(b.id)], ['waiting', 'delayed'])
    assert.equal((await s.takeOne()).id, c.id)
  },
  'that are known are duplicates, and the job is settled': async (s) => {
    const known = newJob({ delayMs: 60_000 })
    await s.enqueue([known])
    const job = await s.held()
    const result = await s.settle(job, DONE, [{ queue: s.queue, jobs: [known] }])
    assert.ok(result.status === 'ok')
    assert.equal(only(result.followUps).status, 'duplicate')
    assert.equal(await s.state(job.id), 'gone')
  },
  'that are too large are rejected alone, and the job is settled': async (s) => {
    const job = await s.held()
    const large = newJob({ payload: 'x'.repeat(s.backend.capabilities.maxPayloadBytes + 1) })
    const result = await s.settle(job, DONE, [{ queue: s.queue, jobs: [large, newJob()] }])
    assert.ok(result.status === 'ok')
    assert.deepEqual(
      result.followUps.map(({ status }) => status),
      ['rejected', 'added'],
    )
  },
  'come with a failure as well': async (s) => {
    const job = await s.held()
    const followUp = newJob()
    await s.settle(job, DEAD, [{ queue: s.queue, jobs: [followUp] }])
    assert.deepEqual([await s.state(job.id), await s.state(followUp.id)], ['dead', 'waiting'])
  },
  'of a job may have its own id when it is removed': async (s) => {
    const job = await s.held({ id: 'daily' })
    const result = await s.settle(job, DONE, [{ queue: s.queue, jobs: [newJob({ id: 'daily' })] }])
    assert.ok(result.status === 'ok')
    assert.equal(only(result.followUps).status, 'added')
    assert.ok((await s.takeOne()).seq > job.seq)
  },
  'come in the order of what they follow, in whichever queues that is': async (s) => {
    const [other, next] = [s.at(`${s.queue}-other`), s.at(`${s.queue}-next`)]
    const [first, second, third] = [await s.held(), await other.held(), await s.held()]
    const [a, b, c] = [newJob(), newJob(), newJob()]
    const settled = await s.backend.settle([
      { ref: s.ref(first), outcome: DONE, followUps: [{ queue: next.queue, jobs: [a] }] },
      { ref: other.ref(second), outcome: DONE, followUps: [{ queue: next.queue, jobs: [b] }] },
      { ref: s.ref(third), outcome: DONE, followUps: [{ queue: next.queue, jobs: [c] }] },
    ])
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['ok', 'ok', 'ok'],
    )
    assert.deepEqual(
      (await next.take({ limit: 3 })).map(({ id }) => id),
      [a, b, c].map(({ id }) => id),
    )
  },
})
