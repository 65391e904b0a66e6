import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'

export const delayedCases: ConformanceCase[] = [
  ...topic('delayed', {
    'a delay is counted from the moment the store takes the job': async (s) => {
      const record = await s.get(await s.addOne({ delayMs: 60_000 }))
      assert.deepEqual([record.state, record.runAt], ['delayed', record.createdAt + 60_000])
    },
    'a time of day is kept as it is': async (s) => {
      const runAt = (await s.now()) + 123_456
      const record = await s.get(await s.addOne({ runAt }))
      assert.deepEqual([record.state, record.runAt], ['delayed', runAt])
    },
    'a time that is over is no delay': async (s) => {
      const record = await s.get(await s.addOne({ runAt: (await s.now()) - 1 }))
      assert.deepEqual([record.state, record.runAt], ['waiting', null])
    },
    'a job is not taken before it is due': async (s) => {
      await s.add({ delayMs: 60_000 })
      await s.maintain()
      assert.deepEqual(await s.take(), [])
    },
    'a claim takes what is due, or says that it is': async (s) => {
      await s.add({ delayMs: 20 })
      await s.pass(40)
      const { jobs, nextDueMs } = await s.claim()
      assert.ok(jobs.length === 1 || nextDueMs === 0)
    },
    'upkeep promotes what is due, and nothing else': async (s) => {
      const [soon, late] = await s.add({ delayMs: 20 }, { delayMs: 60_000 })
      await s.pass(40)
      assert.equal((await s.maintain()).promoted, 1)
      assert.deepEqual([await s.state(soon ?? ''), await s.state(late ?? '')], ['waiting', 'delayed'])
      assert.equal((await s.get(soon ?? '')).runAt, null)
    },
    'promotion goes in bounded steps': async (s) => {
      await s.add(...Array.from({ length: 10 }, () => ({ delayMs: 20 })))
      await s.pass(40)
      const first = await s.maintain({ limit: 4 })
      assert.deepEqual([first.promoted, first.more], [4, true])
      await s.maintain({ limit: 4 })
      const last = await s.maintain({ limit: 4 })
      assert.deepEqual([last.promoted, last.more], [2, false])
    },
    'due jobs come by priority, not by time': async (s) => {
      const [a, b] = await s.add({ delayMs: 20, priority: 1 }, { delayMs: 40, priority: 2 })
      await s.pass(60)
      await s.maintain()
      assert.deepEqual(await s.takeIds(), [b, a])
    },
  }),

  ...topic(
    'delayed',
    {
      'delays go by the time of day': async (s) => {
        const id = await s.addOne({ delayMs: 3_600_000 })
        await s.harness.jumpWall?.(3_600_000)
        await s.maintain()
        assert.equal((await s.takeOne()).id, id)
      },
    },
    'jumpWall',
  ),
]
