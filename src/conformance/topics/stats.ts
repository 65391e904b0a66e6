import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, only } from '../subject.ts'

export const statsCases: ConformanceCase[] = topic('stats', {
  'counts jobs by state': async (s) => {
    await s.held()
    await s.settled(await s.held(), KEPT)
    await s.settled(await s.held(), DEAD)
    await s.settled(await s.held(), DONE)
    const [cancelled = ''] = await s.add({}, {}, {}, { delayMs: 60_000 })
    await s.backend.cancel(s.queue, [cancelled], null)
    const { counts, queue } = only(await s.backend.stats(s.queue))
    assert.equal(queue, s.queue)
    assert.deepEqual(counts, {
      waiting: 2,
      delayed: 1,
      blocked: 0,
      active: 1,
      done: 1,
      dead: 1,
      cancelled: 1,
    })
  },
  'of a queue that was never used are zeros': async (s) => {
    const { queue, paused, oldestWaitingMs, counts } = only(await s.backend.stats(s.queue))
    assert.deepEqual([queue, paused, oldestWaitingMs], [s.queue, false, 0])
    assert.ok(Object.values(counts).every((count) => count === 0))
  },
  'tell the age of the oldest job that can run': async (s) => {
    await s.add({ delayMs: 60_000 })
    assert.equal(only(await s.backend.stats(s.queue)).oldestWaitingMs, 0)
    await s.add({})
    await s.pass(100)
    await s.add({ priority: 9 })
    const { oldestWaitingMs } = only(await s.backend.stats(s.queue))
    assert.ok(oldestWaitingMs >= 99 && oldestWaitingMs < 20_000, `got: ${oldestWaitingMs}`)
    await s.take()
    assert.equal(only(await s.backend.stats(s.queue)).oldestWaitingMs, 0)
  },
  'tell the age of the oldest suspect, be it less urgent than others': async (s) => {
    await s.suspect({ priority: 1 })
    await s.pass(100)
    await s.suspect({ priority: 9 })
    const { oldestWaitingMs } = only(await s.backend.stats(s.queue))
    assert.ok(oldestWaitingMs >= 99 && oldestWaitingMs < 20_000, `got: ${oldestWaitingMs}`)
  },
  'without a name list every queue that was ever used': async (s) => {
    const other = s.at(`${s.queue}-2`)
    await s.settled(await s.held(), DONE)
    await other.addOne()
    const rows = (await s.backend.stats()).filter(({ queue }) => queue.startsWith(s.queue))
    assert.deepEqual(
      new Map(rows.map(({ queue, counts }) => [queue, counts.waiting])),
      new Map([
        [s.queue, 0],
        [other.queue, 1],
      ]),
    )
  },
})
