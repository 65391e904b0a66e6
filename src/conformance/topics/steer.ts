import assert from 'node:assert/strict'
import type { JobFilter, StepReport } from '../../queue/backend.ts'
import type { NewJob } from '../../queue/job.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, RELEASE, type Subject } from '../subject.ts'

export const steerCases: ConformanceCase[] = [
  ...topic('dead letters', {
    'replayed, wait again with attempts and crashes at 0': async (s) => {
      const id = await s.addOne({ headers: { a: 'b' }, tags: ['t'] })
      await s.settled(await s.takeOne(), { ...DEAD, keepMs: 60_000 })
      const before = await s.get(id)
      assert.deepEqual(await s.backend.replay({ queue: s.queue, limit: 10 }), { count: 1, next: null })
      const { history, ...record } = await s.get(id)
      const waiting = { state: 'waiting', attempt: 0, finishedAt: null, keepUntil: null }
      assert.deepEqual({ ...record, history: [] }, { ...before, ...waiting, history: [] })
      assert.deepEqual(
        history.map(({ event }) => event),
        ['dead', 'replay'],
      )
      assert.equal((await s.takeOne()).attempt, 0)
    },
    'of crashes are no suspects when replayed': async (s) => {
      const job = await s.held({}, { start: 1 })
      await s.backend.releaseOwner(s.owner, { maxCrashes: 1, keepDeadMs: null })
      await s.backend.replay({ queue: s.queue, limit: 10 })
      const again = await s.takeOne()
      assert.deepEqual([again.id, again.crashes], [job.id, 0])
    },
    'are replayed one, many or all that match': async (s) => {
      const [a, b, c, d] = await dead(s, { tags: ['x'] }, { tags: ['x', 'y'] }, { type: 'sms' }, {})
      const replay = async (filter: Partial<JobFilter>): Promise<number> =>
        (await s.backend.replay({ queue: s.queue, limit: 10, ...filter })).count
      assert.equal(await replay({ ids: [a ?? ''] }), 1)
      assert.equal(await replay({ tags: ['x', 'y'] }), 1)
      assert.equal(await replay({ types: ['sms'] }), 1)
      assert.deepEqual(await s.takeIds({ types: ['mail', 'sms'] }), [a, b, c])
      assert.equal(await replay({}), 1)
      assert.deepEqual(await s.takeIds(), [d])
    },
    'cancelled jobs are replayed as well': async (s) => {
      const id = await s.addOne()
      await s.backend.cancel(s.queue, [id], null)
      assert.equal((await s.backend.replay({ queue: s.queue, limit: 10 })).count, 1)
      assert.equal((await s.takeOne()).id, id)
    },
    'replay leaves jobs alone that are waiting, delayed, running or done': async (s) => {
      await s.settled(await s.held(), KEPT)
      await s.held()
      await s.add({}, { delayMs: 60_000 })
      const before = await s.backend.list({ queue: s.queue, limit: 10 })
      assert.equal((await all(s, 'replay')).count, 0)
      assert.deepEqual(await s.backend.list({ queue: s.queue, limit: 10 }), before)
    },
    'of which only the id was kept are not replayed': async (s) => {
      const job = await s.held({ dedupeMs: 60_000 })
      await s.settled(job, { ...DEAD, keepMs: 0 })
      assert.equal((await all(s, 'replay')).count, 0)
      assert.equal(await s.state(job.id), 'dead')
    },
    'are replayed in steps, each once': async (s) => {
      await dead(s, ...Array.from({ length: 7 }, () => ({})))
      assert.deepEqual(await all(s, 'replay', 3), { count: 7, calls: [3, 3, 1] })
      assert.equal((await s.take()).length, 7)
    },
    'purged, are gone, and their ids are free': async (s) => {
      const [a, b] = await dead(s, { id: 'one' }, { id: 'two' })
      assert.deepEqual(await s.backend.purge({ queue: s.queue, ids: [a ?? ''], limit: 10 }), {
        count: 1,
        next: null,
      })
      assert.deepEqual([await s.state('one'), await s.state(b ?? '')], ['gone', 'dead'])
      assert.deepEqual(await s.add({ id: 'one' }), ['one'])
    },
    'purge takes any job that is not running': async (s) => {
      const active = await s.held()
      await s.settled(await s.held(), KEPT)
      await s.add({}, { delayMs: 60_000 })
      assert.equal((await all(s, 'purge')).count, 3)
      assert.deepEqual(await s.take(), [])
      await s.settled(active, DONE)
    },
    'are purged in steps, each once': async (s) => {
      await dead(s, ...Array.from({ length: 5 }, () => ({})))
      assert.deepEqual(await all(s, 'purge', 2, { states: ['dead'] }), { count: 5, calls: [2, 2, 1] })
    },
    'purge counts no job twice that is named twice': async (s) => {
      const [id = ''] = await dead(s, {})
      assert.equal((await s.backend.purge({ queue: s.queue, ids: [id, id], limit: 10 })).count, 1)
    },
    'a purged job that waited is not taken': async (s) => {
      const [a, b, c] = await s.add({}, {}, {})
      await s.backend.purge({ queue: s.queue, ids: [b ?? ''], limit: 1 })
      assert.deepEqual(await s.takeIds(), [a, c])
    },
  }),

  ...topic('cancel', {
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
      const [a = '', b = ''] = await dead(s, {}, {})
      await s.backend.purge({ queue: s.queue, ids: [a], limit: 1 })
      const c = await s.addOne()
      assert.deepEqual(await s.backend.cancel(s.queue, [a, b, c], null), [
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
  }),

  ...topic('pause', {
    'gives nothing more to anyone until resumed': async (s) => {
      const other = await s.another()
      const id = await s.addOne()
      await s.backend.pause(s.queue)
      for (const worker of [s, other]) {
        const { jobs, paused } = await worker.claim()
        assert.deepEqual([jobs, paused], [[], true])
      }
      await other.backend.resume(s.queue)
      const { jobs, paused } = await s.claim()
      assert.deepEqual([jobs[0]?.id, paused], [id, false])
    },
    'lets what runs go on': async (s) => {
      const job = await s.held({}, { start: 1 })
      await s.backend.pause(s.queue)
      assert.equal((await s.backend.renew(s.owner, 1000)).length, 1)
      await s.settled(job, DONE)
    },
    'goes on taking jobs in': async (s) => {
      await s.backend.pause(s.queue)
      const id = await s.addOne()
      assert.equal(await s.state(id), 'waiting')
    },
    'tells workers by control, and so does resume': async (s) => {
      const controls = [(await s.claim({ limit: 0 })).control]
      await s.backend.pause(s.queue)
      controls.push((await s.claim({ limit: 0 })).control)
      await s.backend.resume(s.queue)
      controls.push((await s.claim({ limit: 0 })).control)
      const [a = 0, b = 0, c = 0] = controls
      assert.ok(a < b && b < c, `expected control to grow, got: ${controls.join(', ')}`)
    },
    'twice is a pause, ended by one resume': async (s) => {
      await s.addOne()
      await s.backend.pause(s.queue)
      await s.backend.pause(s.queue)
      await s.backend.resume(s.queue)
      assert.equal((await s.take()).length, 1)
    },
    'of one queue leaves the others alone': async (s) => {
      const other = s.at(`${s.queue}-2`)
      await other.addOne()
      await s.backend.pause(s.queue)
      assert.equal((await other.take()).length, 1)
    },
    'holds for a queue that was never used before': async (s) => {
      await s.backend.pause(s.queue)
      await s.addOne()
      assert.deepEqual(await s.take(), [])
    },
    'is seen in the statistics': async (s) => {
      await s.backend.pause(s.queue)
      assert.equal((await s.backend.stats(s.queue))[0]?.paused, true)
      await s.backend.resume(s.queue)
      assert.equal((await s.backend.stats(s.queue))[0]?.paused, false)
    },
    'lets a buffered job be handed back': async (s) => {
      const job = await s.held()
      await s.backend.pause(s.queue)
      await s.settled(job, RELEASE)
      assert.deepEqual(await s.take(), [])
      await s.backend.resume(s.queue)
      assert.equal((await s.takeOne()).id, job.id)
    },
  }),
]

/** Adds jobs that fail for good at once. */
async function dead(s: Subject, ...jobs: readonly Partial<NewJob>[]): Promise<string[]> {
  const ids = await s.add(...jobs)
  for (const job of await s.take({ types: ['mail', 'sms'] })) await s.settled(job, DEAD)
  return ids
}

/** Goes on from step to step until there are no more. */
async function all(
  s: Subject,
  what: 'replay' | 'purge',
  limit = 100,
  over: Partial<JobFilter> = {},
): Promise<{ count: number; calls: number[] }> {
  const calls: number[] = []
  for (let after = 0; ;) {
    const step: StepReport = await s.backend[what]({ queue: s.queue, after, limit, ...over })
    if (step.count > 0) calls.push(step.count)
    if (step.next === null) break
    assert.ok(step.next > after, 'expected the steps to move on')
    after = step.next
  }
  return { count: calls.reduce((sum, count) => sum + count, 0), calls }
}
