import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, only } from '../subject.ts'

export const queuesCases: ConformanceCase[] = topic('queues', {
  'the same id in two queues is two jobs': async (s) => {
    const other = s.at(`${s.queue}-2`)
    await s.add({ id: 'one', payload: '1' })
    await other.add({ id: 'one', payload: '2' })
    const job = await s.takeOne()
    assert.equal(job.payload, '1')
    await s.settled(job, DONE)
    assert.equal(await other.state('one'), 'waiting')
  },
  'a token is worth nothing in another queue': async (s) => {
    const other = s.at(`${s.queue}-2`)
    const job = await s.held({ id: 'one' })
    await other.add({ id: 'one' })
    assert.deepEqual(await other.settle(job, DONE), { status: 'stale' })
    assert.equal(await other.state('one'), 'waiting')
  },
  'whose names differ in case or by a prefix are different': async (s) => {
    const others = [s.at(`${s.queue}-A`), s.at(`${s.queue}-a`), s.at(`${s.queue}-`)]
    for (const other of others) await other.add({ id: other.queue })
    for (const other of others) assert.deepEqual(await other.takeIds(), [other.queue])
    assert.deepEqual(await s.take(), [])
  },
  'have odd names': async (s) => {
    for (const name of ["it's", 'a b', 'x:y/z', 'ünï', '%_', '__proto__', '*']) {
      const other = s.at(`${s.queue}${name}`)
      const id = await other.addOne()
      assert.deepEqual(await other.takeIds(), [id])
      assert.equal(only(await s.backend.stats(other.queue)).counts.active, 1)
    }
  },
  'list, replay, purge and cancel stay in theirs': async (s) => {
    const other = s.at(`${s.queue}-2`)
    const id = await other.addOne()
    assert.deepEqual(await s.backend.list({ queue: s.queue, limit: 10 }), [])
    assert.deepEqual(await s.backend.cancel(s.queue, [id], null), ['not-found'])
    assert.equal((await s.backend.purge({ queue: s.queue, limit: 10 })).count, 0)
    assert.equal(await other.state(id), 'waiting')
  },
})
