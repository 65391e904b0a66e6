import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { newJob } from '../subject.ts'

export const schedulesCases: ConformanceCase[] = topic('schedules', {
  'a schedule that never ticked has no tick': async (s) => {
    assert.equal((await s.backend.readSchedule(s.queue, 'hourly')).tick, null)
  },
  'the time of day is the one that jobs are stamped with': async (s) => {
    const { now } = await s.backend.readSchedule(s.queue, 'hourly')
    const { createdAt } = await s.get(await s.addOne())
    assert.ok(createdAt >= now && createdAt < now + 20_000)
  },
  'advancing moves the tick and enqueues its jobs': async (s) => {
    const jobs = [newJob(), newJob()]
    assert.equal(
      await s.backend.advanceSchedule({ queue: s.queue, name: 'hourly', from: null, to: 1000, jobs }),
      true,
    )
    assert.equal((await s.backend.readSchedule(s.queue, 'hourly')).tick, 1000)
    assert.deepEqual(
      await s.takeIds(),
      jobs.map(({ id }) => id),
    )
  },
  'of many that advance from one tick only one does': async (s) => {
    const other = await s.another()
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        (n % 2 === 0 ? s : other).backend.advanceSchedule({
          queue: s.queue,
          name: 'hourly',
          from: null,
          to: 1000,
          jobs: [newJob()],
        }),
      ),
    )
    assert.equal(results.filter(Boolean).length, 1)
    assert.equal((await s.take()).length, 1)
  },
  'advancing from a tick that is not the last does nothing': async (s) => {
    const advance = (from: number | null, to: number): Promise<boolean> =>
      s.backend.advanceSchedule({ queue: s.queue, name: 'hourly', from, to, jobs: [newJob()] })
    assert.deepEqual([await advance(null, 1000), await advance(1000, 2000)], [true, true])
    assert.deepEqual([await advance(1000, 3000), await advance(null, 3000)], [false, false])
    assert.equal((await s.backend.readSchedule(s.queue, 'hourly')).tick, 2000)
    assert.equal((await s.take()).length, 2)
  },
  'schedules are told apart by queue and name': async (s) => {
    const queue = s.queue
    await s.backend.advanceSchedule({ queue, name: 'a', from: null, to: 1, jobs: [] })
    assert.equal((await s.backend.readSchedule(queue, 'b')).tick, null)
    assert.equal((await s.backend.readSchedule(`${queue}-2`, 'a')).tick, null)
  },
  'a tick without jobs moves on as well': async (s) => {
    const request = { queue: s.queue, name: 'a', from: null, to: 5, jobs: [] }
    assert.equal(await s.backend.advanceSchedule(request), true)
    assert.equal((await s.backend.readSchedule(s.queue, 'a')).tick, 5)
  },
})
