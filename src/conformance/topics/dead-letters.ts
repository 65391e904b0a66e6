import assert from 'node:assert/strict'
import type { JobFilter, StepReport } from '../../queue/backend.ts'
import type { NewJob } from '../../queue/job.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, type Subject } from '../subject.ts'

export const deadLettersCases: ConformanceCase[] = topic('dead letters', {
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
})

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
