import assert from 'node:assert/strict'
import type { JobFilter } from '../../queue/backend.ts'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, KEPT, type Subject } from '../subject.ts'

const ids = async (s: Subject, filter: Partial<JobFilter>): Promise<string[]> =>
  (await s.backend.list({ queue: s.queue, limit: 100, ...filter })).map(({ id }) => id)

export const inspectCases: ConformanceCase[] = topic('inspect', {
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
})
