import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, KEPT } from '../subject.ts'

export const cancelCases: ConformanceCase[] = topic('cancel', {
  'gives up a job that waits': async (s) => {
    const [a, b] = await s.add({}, {})
    assert.deepEqual(await s.backend.cancel(s.queue, [a ?? ''], null), ['cancelled'])
    const record = await s.get(a ?? '')
    assert.deepEqual([record.state, record.history[0]?.event], ['cancelled', 'cancel'])
    assert.deepEqual(await s.takeIds(), [b])
  },
  'gives up a delayed job': async (s) => {
    const id = await s.addOne({ delayMs: 20 })
    await s.backend.cancel(s.queue, [id], null)
    await s.pass(40)
    await s.maintain()
    assert.deepEqual(await s.take(), [])
    assert.equal(await s.state(id), 'cancelled')
  },
  'takes a running job from its worker, which hears of it by control': async (s) => {
    const job = await s.held({}, { start: 1 })
    const before = (await s.claim({ limit: 0 })).control
    assert.deepEqual(await s.backend.cancel(s.queue, [job.id], null), ['cancelled'])
    assert.ok((await s.claim({ limit: 0 })).control > before)
    assert.deepEqual(await s.backend.renew(s.owner, 1000), [])
    assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    assert.equal(await s.state(job.id), 'cancelled')
  },
  'answers for each, in order': async (s) => {
    const gone = await s.held()
    await s.settled(gone, DONE)
    const kept = await s.held()
    await s.settled(kept, KEPT)
    const waiting = await s.addOne()
    assert.deepEqual(await s.backend.cancel(s.queue, [gone.id, kept.id, waiting], null), [
      'not-found',
      'finished',
      'cancelled',
    ])
  },
  'changes nothing of what is finished': async (s) => {
    const job = await s.held()
    await s.settled(job, KEPT)
    const before = await s.get(job.id)
    assert.deepEqual(await s.backend.cancel(s.queue, [job.id], 0), ['finished'])
    assert.deepEqual(await s.get(job.id), before)
  },
  'keeps the job as long as it is told': async (s) => {
    const [a = '', b = ''] = await s.add({}, {})
    await s.backend.cancel(s.queue, [a], 60_000)
    await s.backend.cancel(s.queue, [b], 0)
    const record = await s.get(a)
    assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 60_000)
    assert.equal(await s.state(b), 'gone')
  },
  'gives up a suspect': async (s) => {
    const id = await s.suspect()
    await s.backend.cancel(s.queue, [id], null)
    const { jobs, suspectWaiting } = await s.claim({ suspects: 'only' })
    assert.deepEqual([jobs, suspectWaiting], [[], false])
  },
})
