import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, LEASE, only } from '../subject.ts'

export const lostReplyCases: ConformanceCase[] = topic('lost reply', {
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
    const again = await other.enqueue(
      records.map((record) => ({ ...record, delayMs: 0, expireMs: null, uniqueMs: null })),
    )
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
})
