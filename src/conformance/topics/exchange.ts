import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, newJob, only, RELEASE } from '../subject.ts'

export const exchangeCases: ConformanceCase[] = topic('exchange', {
  'settles, then claims': async (s) => {
    const job = await s.held()
    const [next] = await s.add({}, {})
    const { settled, claimed } = await s.backend.exchange(
      [{ ref: s.ref(job), outcome: DONE }],
      s.request({ limit: 1 }),
    )
    assert.deepEqual(settled, [{ status: 'ok', followUps: [] }])
    assert.equal(only(claimed.jobs).id, next)
    assert.equal(await s.state(job.id), 'gone')
  },
  'claims what its own settle has freed': async (s) => {
    const job = await s.held()
    const { claimed } = await s.backend.exchange([{ ref: s.ref(job), outcome: RELEASE }], s.request())
    const again = only(claimed.jobs)
    assert.equal(again.id, job.id)
    assert.notEqual(again.token, job.token)
  },
  'claims a follow-up of its own settle': async (s) => {
    const job = await s.held()
    const followUp = newJob()
    const { claimed } = await s.backend.exchange(
      [{ ref: s.ref(job), outcome: DONE, followUps: [{ queue: s.queue, jobs: [followUp] }] }],
      s.request(),
    )
    assert.equal(only(claimed.jobs).id, followUp.id)
  },
  'settles although it claims nothing, and claims although it settles nothing': async (s) => {
    const job = await s.held()
    const first = await s.backend.exchange([{ ref: s.ref(job), outcome: DONE }], s.request({ limit: 0 }))
    assert.deepEqual([first.settled.length, first.claimed.jobs], [1, []])
    await s.addOne()
    const second = await s.backend.exchange([], s.request())
    assert.deepEqual([second.settled, second.claimed.jobs.length], [[], 1])
  },
  'reports stale settlements and claims all the same': async (s) => {
    const job = await s.held()
    await s.settled(job, DONE)
    await s.addOne()
    const { settled, claimed } = await s.backend.exchange([{ ref: s.ref(job), outcome: DONE }], s.request())
    assert.deepEqual(settled, [{ status: 'stale' }])
    assert.equal(claimed.jobs.length, 1)
  },
})
