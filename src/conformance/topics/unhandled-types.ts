import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { LEASE } from '../subject.ts'

export const unhandledTypesCases: ConformanceCase[] = topic('unhandled types', {
  'are reported, with the time for which nobody ran them': async (s) => {
    await s.add({ type: 'fax' })
    const { unhandled } = await s.upkeep((total) => (total.unhandled.at(-1)?.forMs ?? 0) >= LEASE / 2)
    assert.ok(unhandled.every(({ type, dead }) => type === 'fax' && dead === 0))
  },
  'are dead-lettered as UNKNOWN_JOB_TYPE after the grace period': async (s) => {
    const [fax, mail] = await s.add({ type: 'fax' }, { type: 'mail' })
    const grace = { unhandledGraceMs: LEASE }
    await s.upkeep((total) => total.unhandled.some(({ dead }) => dead === 1), grace)
    const record = await s.get(fax ?? '')
    assert.deepEqual([record.state, record.error?.code, record.attempt], ['dead', 'UNKNOWN_JOB_TYPE', 0])
    assert.match(record.error?.message ?? '', /fax/)
    assert.equal(await s.state(mail ?? ''), 'waiting')
  },
  'that some worker handles are left alone': async (s) => {
    const other = await s.another()
    const id = await s.addOne({ type: 'fax' })
    for (let n = 0; n < 16; n++) {
      await other.maintain({ types: ['fax'], unhandledGraceMs: LEASE })
      assert.deepEqual((await s.maintain({ unhandledGraceMs: LEASE })).unhandled, [])
      await s.pass(LEASE / 8)
    }
    assert.equal(await s.state(id), 'waiting')
  },
  'of which nothing can run are not reported': async (s) => {
    await s.add({ type: 'fax', delayMs: 60_000 })
    await s.maintain()
    await s.pass(LEASE / 4)
    assert.deepEqual((await s.maintain()).unhandled, [])
  },
  'have their full grace after an outage of all workers': async (s) => {
    const id = await s.addOne({ type: 'fax' })
    await s.maintain({ unhandledGraceMs: LEASE * 2 })
    await s.pass(LEASE * 3)
    await s.maintain({ unhandledGraceMs: LEASE * 2 })
    await s.pass(LEASE / 8)
    await s.maintain({ unhandledGraceMs: LEASE * 2 })
    assert.equal(await s.state(id), 'waiting')
  },
  'can be replayed when somebody handles them': async (s) => {
    const id = await s.addOne({ type: 'fax' })
    await s.upkeep((total) => total.unhandled.some(({ dead }) => dead === 1), { unhandledGraceMs: LEASE })
    await s.backend.replay({ queue: s.queue, ids: [id], limit: 1 })
    assert.equal((await s.takeOne({ types: ['fax'] })).id, id)
  },
})
