import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { RELEASE, RETRY } from '../subject.ts'

export const orderCases: ConformanceCase[] = topic('order', {
  'first in is first out': async (s) => {
    const first = await s.add({}, {}, {})
    const second = await s.add({}, {})
    assert.deepEqual(await s.takeIds(), [...first, ...second])
  },
  'the most urgent comes first, equals in the order of their add': async (s) => {
    const [a, b, c, d, e] = await s.add(
      { priority: 1 },
      { priority: 1000 },
      { priority: 0 },
      { priority: 1000 },
      { priority: 1 },
    )
    assert.deepEqual(await s.takeIds(), [b, d, a, e, c])
  },
  'holds across calls and over types': async (s) => {
    const [a, b, c, d] = await s.add(
      { type: 'sms', priority: 2 },
      { type: 'mail', priority: 3 },
      { type: 'mail', priority: 2 },
      { type: 'sms', priority: 3 },
    )
    const types = ['mail', 'sms']
    assert.deepEqual(await s.takeIds({ types, limit: 3 }), [b, d, a])
    assert.deepEqual(await s.takeIds({ types, limit: 3 }), [c])
  },
  'what was added later and is more urgent overtakes': async (s) => {
    const [calm] = await s.add({ priority: 1 })
    const [urgent] = await s.add({ priority: 2 })
    assert.deepEqual(await s.takeIds({ limit: 1 }), [urgent])
    assert.deepEqual(await s.takeIds({ limit: 1 }), [calm])
  },
  'a job that was handed back has its old place': async (s) => {
    const ids = await s.add({}, {}, {})
    const jobs = await s.take({ limit: 2 })
    for (const job of jobs.toReversed()) await s.settled(job, RELEASE)
    assert.deepEqual(await s.takeIds(), ids)
  },
  'a job that is tried again has its old place and seq': async (s) => {
    const ids = await s.add({}, {})
    const first = await s.takeOne({ limit: 1 })
    await s.settled(first, RETRY)
    const jobs = await s.take()
    assert.deepEqual(
      jobs.map(({ id }) => id),
      ids,
    )
    assert.equal(jobs[0]?.seq, first.seq)
  },
  'a job whose lease expired has its old place': async (s) => {
    const ids = await s.add({}, {}, {})
    await s.maintain()
    await s.take({ limit: 2 })
    await s.upkeep(({ returned }) => returned === 2)
    assert.deepEqual(await s.takeIds(), ids)
  },
  'a delayed job keeps its place by seq when it is due': async (s) => {
    const ids = await s.add({ delayMs: 30 }, {})
    await s.pass(60)
    await s.maintain()
    assert.deepEqual(await s.takeIds(), ids)
  },
  'a replayed job keeps its place by seq': async (s) => {
    const ids = await s.add({}, {})
    const first = await s.takeOne({ limit: 1 })
    await s.settled(first, {
      kind: 'dead',
      error: { name: 'E', message: 'm', code: null, stack: null },
      keepMs: null,
    })
    await s.backend.replay({ queue: s.queue, limit: 10 })
    assert.deepEqual(await s.takeIds(), ids)
  },
  'urgent delayed jobs hold nobody up': async (s) => {
    await s.add(...Array.from({ length: 20 }, () => ({ priority: 1000, delayMs: 60_000 })))
    const [id] = await s.add({ priority: 0 })
    assert.deepEqual(await s.takeIds({ limit: 1 }), [id])
  },
})
