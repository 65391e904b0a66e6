import assert from 'node:assert/strict'
import type { JobFilter } from '../../queue/backend.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, eventually, KEPT, newJob, only, RELEASE, type Subject } from '../subject.ts'

const ids = async (s: Subject, filter: Partial<JobFilter>): Promise<string[]> =>
  (await s.backend.list({ queue: s.queue, limit: 100, ...filter })).map(({ id }) => id)

export const inspectCases: ConformanceCase[] = [
  ...topic('inspect', {
    'get of what is not there is undefined': async (s) => {
      assert.equal(await s.backend.get(s.queue, 'nobody'), undefined)
      await s.addOne({ id: 'somebody' })
      assert.equal(await s.backend.get(`${s.queue}-2`, 'somebody'), undefined)
    },
    'a record is a copy: what is done to it changes nothing in the store': async (s) => {
      const id = await s.addOne({ payload: new Uint8Array([1, 2, 3]) })
      const record = await s.get(id)
      assert.ok(record.payload instanceof Uint8Array)
      record.payload[0] = 9
      assert.deepEqual((await s.get(id)).payload, new Uint8Array([1, 2, 3]))
    },
    'list gives jobs by seq, page by page': async (s) => {
      const added = await s.add(...Array.from({ length: 5 }, (_, n) => ({ priority: n })))
      const first = await s.backend.list({ queue: s.queue, limit: 3 })
      const second = await s.backend.list({ queue: s.queue, limit: 3, after: first.at(-1)?.seq ?? 0 })
      assert.deepEqual(
        [...first, ...second].map(({ id }) => id),
        added,
      )
    },
    'list gives the same records as get': async (s) => {
      const id = await s.addOne({ tags: ['a'] })
      assert.deepEqual(await s.backend.list({ queue: s.queue, limit: 1 }), [await s.get(id)])
    },
    'list finds by state, type and id': async (s) => {
      const [a, b, c] = await s.add({}, { type: 'sms' }, { type: 'sms', delayMs: 60_000 })
      assert.deepEqual(await ids(s, { states: ['waiting'] }), [a, b])
      assert.deepEqual(await ids(s, { states: ['delayed', 'dead'] }), [c])
      assert.deepEqual(await ids(s, { types: ['sms'] }), [b, c])
      assert.deepEqual(await ids(s, { ids: [c ?? '', a ?? '', 'nobody'] }), [a, c])
      assert.deepEqual(await ids(s, { types: ['sms'], states: ['waiting'] }), [b])
      assert.deepEqual(await ids(s, { states: [] }), [])
      assert.deepEqual(await ids(s, { ids: [] }), [])
    },
    'list finds by tags, all of which a job must have': async (s) => {
      const [a, b] = await s.add({ tags: ['eu', 'x'] }, { tags: ['eu'] }, { tags: ['e'] }, {})
      assert.deepEqual(await ids(s, { tags: ['eu'] }), [a, b])
      assert.deepEqual(await ids(s, { tags: ['x', 'eu'] }), [a])
      assert.deepEqual(await ids(s, { tags: ['e%'] }), [])
    },
    'list finds by the code or name of the last error': async (s) => {
      const [a, b] = await s.add({}, {}, {})
      const [first, second] = await s.take()
      assert.ok(first && second)
      const error = { message: 'm', stack: null }
      await s.settled(first, { ...DEAD, error: { ...error, name: 'TypeError', code: null } })
      await s.settled(second, { ...DEAD, error: { ...error, name: 'Error', code: 'ECONNRESET' } })
      assert.deepEqual(await ids(s, { error: 'TypeError' }), [a])
      assert.deepEqual(await ids(s, { error: 'ECONNRESET' }), [b])
      assert.deepEqual(await ids(s, { error: 'nothing' }), [])
    },
    'list finds what was finished before a time': async (s) => {
      await s.add({})
      const job = await s.held({ type: 'sms' })
      await s.settled(job, KEPT)
      const { finishedAt } = await s.get(job.id)
      assert.deepEqual(await ids(s, { finishedBefore: (finishedAt ?? 0) + 1 }), [job.id])
      assert.deepEqual(await ids(s, { finishedBefore: finishedAt ?? 0 }), [])
    },
    'list of a queue that was never used is empty': async (s) => {
      assert.deepEqual(await ids(s, {}), [])
    },
  }),

  ...topic('stats', {
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
  }),

  ...topic('schedules', {
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
  }),

  ...topic('watch', {
    'hints at a new job': async (s) => {
      const hinted = watched(s)
      await s.addOne()
      await eventually(hinted, 'a hint')
    },
    'hints at a delayed job, which may be the next to run': async (s) => {
      const hinted = watched(s)
      await s.addOne({ delayMs: 60_000 })
      await eventually(hinted, 'a hint')
    },
    'hints at a pause and at a resume': async (s) => {
      await s.addOne()
      let hinted = watched(s)
      await s.backend.pause(s.queue)
      await eventually(hinted, 'a hint at the pause')
      hinted = watched(s)
      await s.backend.resume(s.queue)
      await eventually(hinted, 'a hint at the resume')
    },
    'hints at the cancel of a running job': async (s) => {
      const job = await s.held()
      const hinted = watched(s)
      await s.backend.cancel(s.queue, [job.id], null)
      await eventually(hinted, 'a hint')
    },
    'hints at a job that was handed back': async (s) => {
      const job = await s.held()
      const hinted = watched(s)
      await s.settled(job, RELEASE)
      await eventually(hinted, 'a hint')
    },
    'hints at jobs of a dead owner and at replayed ones': async (s) => {
      await s.held()
      let hinted = watched(s)
      await s.backend.releaseOwner(s.owner, { maxCrashes: 2, keepDeadMs: null })
      await eventually(hinted, 'a hint at the release')
      await s.settled(await s.takeOne(), DEAD)
      hinted = watched(s)
      await s.backend.replay({ queue: s.queue, limit: 10 })
      await eventually(hinted, 'a hint at the replay')
    },
    'hints at a follow-up in another queue': async (s) => {
      const job = await s.held()
      const next = s.at(`${s.queue}-next`)
      const hinted = watched(next)
      await s.settle(job, DONE, [{ queue: next.queue, jobs: [newJob()] }])
      await eventually(hinted, 'a hint')
    },
    'hints every watcher, in any opening of the store': async (s) => {
      const other = await s.another()
      const [here, there] = [watched(s), watched(other)]
      await s.addOne()
      await eventually(() => here() && there(), 'a hint to both')
    },
    'never calls within the call that caused it': async (s) => {
      let within = true
      let early = false
      const end = s.backend.watch(s.queue, () => (early ||= within))
      const adding = s.addOne()
      within = false
      await adding
      end()
      assert.equal(early, false)
    },
    'ends when it is told, and ending it twice is free': async (s) => {
      let hints = 0
      const end = s.backend.watch(s.queue, () => hints++)
      end()
      end()
      const hinted = watched(s)
      await s.addOne()
      await eventually(hinted, 'a hint')
      assert.equal(hints, 0)
    },
  }),
]

/** Watches from now on; answers whether a hint came. */
function watched(s: Subject): () => boolean {
  let hinted = false
  s.backend.watch(s.queue, () => (hinted = true))
  return () => hinted
}
