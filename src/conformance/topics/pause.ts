import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, RELEASE } from '../subject.ts'

export const pauseCases: ConformanceCase[] = topic('pause', {
  'gives nothing more to anyone until resumed': async (s) => {
    const other = await s.another()
    const id = await s.addOne()
    await s.backend.pause(s.queue)
    for (const worker of [s, other]) {
      const { jobs, paused } = await worker.claim()
      assert.deepEqual([jobs, paused], [[], true])
    }
    await other.backend.resume(s.queue)
    const { jobs, paused } = await s.claim()
    assert.deepEqual([jobs[0]?.id, paused], [id, false])
  },
  'lets what runs go on': async (s) => {
    const job = await s.held({}, { start: 1 })
    await s.backend.pause(s.queue)
    assert.equal((await s.backend.renew(s.owner, 1000)).length, 1)
    await s.settled(job, DONE)
  },
  'goes on taking jobs in': async (s) => {
    await s.backend.pause(s.queue)
    const id = await s.addOne()
    assert.equal(await s.state(id), 'waiting')
  },
  'tells workers by control, and so does resume': async (s) => {
    const controls = [(await s.claim({ limit: 0 })).control]
    await s.backend.pause(s.queue)
    controls.push((await s.claim({ limit: 0 })).control)
    await s.backend.resume(s.queue)
    controls.push((await s.claim({ limit: 0 })).control)
    const [a = 0, b = 0, c = 0] = controls
    assert.ok(a < b && b < c, `expected control to grow, got: ${controls.join(', ')}`)
  },
  'twice is a pause, ended by one resume': async (s) => {
    await s.addOne()
    await s.backend.pause(s.queue)
    await s.backend.pause(s.queue)
    await s.backend.resume(s.queue)
    assert.equal((await s.take()).length, 1)
  },
  'of one queue leaves the others alone': async (s) => {
    const other = s.at(`${s.queue}-2`)
    await other.addOne()
    await s.backend.pause(s.queue)
    assert.equal((await other.take()).length, 1)
  },
  'holds for a queue that was never used before': async (s) => {
    await s.backend.pause(s.queue)
    await s.addOne()
    assert.deepEqual(await s.take(), [])
  },
  'is seen in the statistics': async (s) => {
    await s.backend.pause(s.queue)
    assert.equal((await s.backend.stats(s.queue))[0]?.paused, true)
    await s.backend.resume(s.queue)
    assert.equal((await s.backend.stats(s.queue))[0]?.paused, false)
  },
  'lets a buffered job be handed back': async (s) => {
    const job = await s.held()
    await s.backend.pause(s.queue)
    await s.settled(job, RELEASE)
    assert.deepEqual(await s.take(), [])
    await s.backend.resume(s.queue)
    assert.equal((await s.takeOne()).id, job.id)
  },
})
