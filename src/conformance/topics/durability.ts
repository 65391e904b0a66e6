import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, LEASE, only, Subject } from '../subject.ts'

/** The same worker, after everything was closed and the store was opened again. */
async function reopened(s: Subject): Promise<Subject> {
  await s.backend.close()
  return new Subject(await s.harness.open(), s.harness, s.queue)
}

export const durabilityCases: ConformanceCase[] = topic(
  'durability',
  {
    'jobs are as they were when the store is opened again': async (s) => {
      await s.settled(await s.held(), DEAD)
      await s.held({ payload: new Uint8Array([0, 255]), headers: { a: 'b' }, tags: ['t'] }, { start: 1 })
      await s.add({}, { delayMs: 60_000 })
      const before = await s.backend.list({ queue: s.queue, limit: 10 })
      const after = await reopened(s)
      assert.deepEqual(await after.backend.list({ queue: s.queue, limit: 10 }), before)
    },
    'a claim outlives the opening that it was made by': async (s) => {
      const job = await s.held()
      const after = await reopened(s)
      assert.deepEqual(await after.take(), [])
      assert.deepEqual(await after.backend.renew(s.owner, LEASE), [{ id: job.id, token: job.token }])
      await after.settled(job, DONE)
    },
    'a claim whose reply was lost with the opening can be asked for again': async (s) => {
      await s.add({}, {})
      const request = s.request({ limit: 1 })
      const { jobs } = await s.backend.claim(request)
      const after = await reopened(s)
      assert.deepEqual((await after.backend.claim(request)).jobs, jobs)
    },
    'a seq is not given again, although everything was removed': async (s) => {
      const job = await s.held()
      await s.settled(job, DONE)
      const after = await reopened(s)
      assert.ok((await after.held()).seq > job.seq)
    },
    'a pause and a schedule last': async (s) => {
      await s.backend.pause(s.queue)
      await s.backend.advanceSchedule({ queue: s.queue, name: 'hourly', from: null, to: 7, jobs: [] })
      const after = await reopened(s)
      assert.equal(only(await after.backend.stats(s.queue)).paused, true)
      assert.equal((await after.backend.readSchedule(s.queue, 'hourly')).tick, 7)
    },
    'leases are not reaped at once by who opens the store after an outage': async (s) => {
      await s.maintain()
      const job = await s.held()
      await s.pass(LEASE * 2)
      const after = await reopened(s)
      assert.equal((await after.maintain()).returned, 0)
      await after.settled(job, DONE)
    },
  },
  'durability',
)
