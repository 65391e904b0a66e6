import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { RELEASE } from '../subject.ts'

export const expiryCases: ConformanceCase[] = topic('expiry', {
  'a job that was not started in time is not given': async (s) => {
    await s.add({ expireMs: 20 })
    await s.pass(40)
    assert.deepEqual(await s.take(), [])
  },
  'it is dead-lettered as JOB_EXPIRED, with no attempt spent': async (s) => {
    const id = await s.addOne({ expireMs: 20 })
    await s.pass(40)
    await s.maintain()
    const record = await s.get(id)
    assert.deepEqual(
      [record.state, record.error?.code, record.error?.name, record.attempt, record.keepUntil],
      ['dead', 'JOB_EXPIRED', 'JobExpiredError', 0, null],
    )
    assert.equal(record.history[0]?.event, 'dead')
  },
  'a job that nobody handles expires as well': async (s) => {
    const id = await s.addOne({ type: 'fax', expireMs: 20 })
    await s.pass(40)
    await s.maintain()
    assert.equal(await s.state(id), 'dead')
  },
  'a delayed job expires before it is due': async (s) => {
    const id = await s.addOne({ delayMs: 60_000, expireMs: 20 })
    await s.pass(40)
    await s.maintain()
    assert.equal(await s.state(id), 'dead')
  },
  'a job in the hands of a worker does not expire': async (s) => {
    const job = await s.held({ expireMs: 60 }, { start: 1 })
    await s.pass(100)
    await s.maintain()
    assert.equal(await s.state(job.id), 'active')
    await s.settled(job, { kind: 'done', result: null, keepMs: 0 })
  },
  'a job that comes back after its time is not given again': async (s) => {
    const job = await s.held({ expireMs: 60 })
    await s.pass(100)
    await s.settled(job, RELEASE)
    await s.maintain()
    assert.deepEqual(await s.take(), [])
    assert.equal((await s.get(job.id)).error?.code, 'JOB_EXPIRED')
  },
  'expired jobs do not hide those behind them': async (s) => {
    await s.add(...Array.from({ length: 30 }, () => ({ expireMs: 20, priority: 9 })))
    await s.pass(40)
    const id = await s.addOne()
    await s.maintain()
    assert.equal((await s.takeOne({ limit: 1 })).id, id)
  },
  'a replayed job expires no more': async (s) => {
    const id = await s.addOne({ expireMs: 20 })
    await s.pass(40)
    await s.maintain()
    await s.backend.replay({ queue: s.queue, limit: 10 })
    await s.maintain()
    assert.equal((await s.takeOne()).id, id)
  },
})
