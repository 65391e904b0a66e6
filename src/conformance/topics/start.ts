import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { RELEASE } from '../subject.ts'

export const startCases: ConformanceCase[] = topic('start', {
  'records that a handler may have begun': async (s) => {
    const job = await s.held()
    assert.equal(await s.start(job), 'started')
    assert.equal((await s.get(job.id)).started, true)
  },
  'of what was recorded before is started again': async (s) => {
    const job = await s.held({}, { start: 1 })
    assert.equal(await s.start(job), 'started')
    await s.backend.pause(s.queue)
    assert.equal(await s.start(job), 'started')
  },
  'is held back by a pause, and the job is still claimed': async (s) => {
    const job = await s.held()
    await s.backend.pause(s.queue)
    assert.equal(await s.start(job), 'paused')
    const record = await s.get(job.id)
    assert.deepEqual([record.state, record.started, record.token], ['active', false, job.token])
    await s.settled(job, RELEASE)
  },
  'refuses what was cancelled': async (s) => {
    const job = await s.held()
    await s.backend.cancel(s.queue, [job.id], null)
    assert.equal(await s.start(job), 'stale')
  },
  'answers for each, in order': async (s) => {
    await s.add({}, {}, {})
    const jobs = await s.take()
    await s.settled(jobs[1] ?? assert.fail(), RELEASE)
    assert.deepEqual(await s.backend.start(jobs.map((job) => s.ref(job))), ['started', 'stale', 'started'])
  },
  'is forgotten when the job is handed back': async (s) => {
    const job = await s.held({}, { start: 1 })
    await s.settled(job, RELEASE)
    assert.equal((await s.takeOne()).started, false)
  },
})
