import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { LEASE } from '../subject.ts'

export const retentionCases: ConformanceCase[] = topic('retention', {
  'a finished job is removed when its time is over, and not before': async (s) => {
    const job = await s.held()
    await s.settled(job, { kind: 'done', result: '1', keepMs: LEASE })
    assert.equal((await s.maintain()).removed, 0)
    assert.equal(await s.state(job.id), 'done')
    await s.upkeep(({ removed }) => removed === 1)
    assert.equal(await s.state(job.id), 'gone')
  },
  'dead and cancelled jobs have it as well': async (s) => {
    const [a, b] = [await s.held(), await s.addOne()]
    const error = { name: 'E', message: 'm', code: null, stack: null }
    await s.settled(a, { kind: 'dead', error, keepMs: 20 })
    await s.backend.cancel(s.queue, [b], 20)
    await s.upkeep(({ removed }) => removed === 2)
    assert.deepEqual([await s.state(a.id), await s.state(b)], ['gone', 'gone'])
  },
  'what is kept until purged stays': async (s) => {
    const job = await s.held()
    await s.settled(job, { kind: 'done', result: null, keepMs: null })
    await s.passMaintained(LEASE)
    assert.equal(await s.state(job.id), 'done')
  },
  'removes in bounded steps': async (s) => {
    await s.add(...Array.from({ length: 5 }, () => ({})))
    for (const job of await s.take()) await s.settled(job, { kind: 'done', result: null, keepMs: 10 })
    await s.pass(40)
    const first = await s.maintain({ limit: 3 })
    assert.deepEqual([first.removed, first.more], [3, true])
    const last = await s.maintain({ limit: 3 })
    assert.deepEqual([last.removed, last.more], [2, false])
  },
  'a replayed job is not removed any more': async (s) => {
    const id = await s.addOne()
    await s.backend.cancel(s.queue, [id], 20)
    await s.backend.replay({ queue: s.queue, limit: 10 })
    await s.pass(40)
    await s.maintain()
    assert.equal(await s.state(id), 'waiting')
  },
})
