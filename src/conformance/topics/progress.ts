import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { RELEASE, RETRY } from '../subject.ts'

export const progressCases: ConformanceCase[] = topic('progress', {
  'is kept as it is, the last one counts': async (s) => {
    const job = await s.held()
    const updates = ['{"n":1}', '{"n":1.50, "n":2}'].map((progress) => ({ ref: s.ref(job), progress }))
    assert.deepEqual(await s.backend.progress(updates), ['ok', 'ok'])
    assert.equal((await s.get(job.id)).progress, '{"n":1.50, "n":2}')
  },
  'survives a retry': async (s) => {
    const job = await s.held()
    await s.backend.progress([{ ref: s.ref(job), progress: '5' }])
    await s.settled(job, RETRY)
    assert.equal((await s.get(job.id)).progress, '5')
  },
  'answers for each, in order': async (s) => {
    await s.add({}, {})
    const [a, b] = await s.take()
    assert.ok(a && b)
    await s.settled(a, RELEASE)
    const updates = [a, b].map((job) => ({ ref: s.ref(job), progress: '1' }))
    assert.deepEqual(await s.backend.progress(updates), ['stale', 'ok'])
  },
})
