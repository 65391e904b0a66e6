import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { LEASE, only } from '../subject.ts'

export const upkeepCases: ConformanceCase[] = topic('upkeep', {
  'of a queue that was never used does nothing': async (s) => {
    assert.deepEqual(await s.maintain(), {
      returned: 0,
      crashed: [],
      dead: [],
      promoted: 0,
      removed: 0,
      unhandled: [],
      more: false,
    })
  },
  'after a gap leaves leases for the length of one, so that their owners can come back': async (s) => {
    await s.maintain()
    const job = await s.held()
    await s.pass(LEASE * 3)
    assert.equal((await s.maintain()).returned, 0)
    assert.equal(only(await s.backend.renew(s.owner, LEASE)).id, job.id)
    await s.settled(job, { kind: 'done', result: null, keepMs: 0 })
  },
  'reaps after that, when the owner did not come back': async (s) => {
    await s.maintain()
    const job = await s.held()
    await s.pass(LEASE * 3)
    await s.upkeep(({ returned }) => returned === 1)
    assert.equal(await s.state(job.id), 'waiting')
  },
  'reaps across gaps what had run out when it was last done, so that rare upkeep reaps too': async (s) => {
    await s.maintain()
    const job = await s.held()
    await s.pass(LEASE * 3)
    assert.equal((await s.maintain()).returned, 0)
    await s.pass(LEASE * 3)
    assert.equal((await s.maintain()).returned, 1)
    assert.equal(await s.state(job.id), 'waiting')
  },
  'that was never done counts as a gap': async (s) => {
    const job = await s.held()
    await s.pass(LEASE * 1.5)
    assert.equal((await s.maintain()).returned, 0)
    await s.upkeep(({ returned }) => returned === 1)
    assert.equal(await s.state(job.id), 'waiting')
  },
  'reaps in bounded steps': async (s) => {
    await s.add(...Array.from({ length: 5 }, () => ({})))
    await s.maintain()
    await s.take()
    const report = await s.upkeep(({ returned }) => returned > 0, { limit: 3 })
    assert.deepEqual([report.returned, report.more], [3, true])
    assert.equal((await s.maintain({ limit: 3 })).returned, 2)
  },
  'of one queue leaves the others alone': async (s) => {
    const other = s.at(`${s.queue}-2`)
    const job = await other.held()
    await s.passMaintained(LEASE * 2)
    assert.equal(await other.state(job.id), 'active')
  },
})
