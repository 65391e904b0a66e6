import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, LEASE, newJob } from '../subject.ts'

export const idempotentAddCases: ConformanceCase[] = topic('idempotent add', {
  'adding a known id again is a duplicate and changes nothing': async (s) => {
    const job = newJob({ payload: '"first"' })
    const [added] = await s.enqueue([job])
    const before = await s.get(job.id)
    const [again] = await s.enqueue([{ ...job, payload: '"second"', priority: 9 }])
    assert.deepEqual(again, { ...added, status: 'duplicate' })
    assert.deepEqual(await s.get(job.id), before)
  },
  'an id twice in one batch is added once': async (s) => {
    const job = newJob()
    const results = await s.enqueue([job, job])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['added', 'duplicate'],
    )
    assert.equal((await s.take()).length, 1)
  },
  'a job that is being run refuses its id': async (s) => {
    const job = newJob()
    await s.enqueue([job])
    await s.takeOne()
    assert.equal((await s.enqueue([job]))[0]?.status, 'duplicate')
  },
  'a job that is kept refuses its id': async (s) => {
    const job = newJob()
    await s.enqueue([job])
    await s.settled(await s.takeOne(), KEPT)
    assert.equal((await s.enqueue([job]))[0]?.status, 'duplicate')
    assert.equal(await s.state(job.id), 'done')
  },
  'within its window an id refuses a second add although the job is done': async (s) => {
    const job = newJob({ dedupeMs: 60_000 })
    await s.enqueue([job])
    await s.settled(await s.takeOne(), DONE)
    await s.maintain()
    assert.equal((await s.enqueue([job]))[0]?.status, 'duplicate')
    assert.deepEqual(await s.take(), [])
  },
  'of a job kept for its id alone the payload is given up': async (s) => {
    const id = await s.addOne({ dedupeMs: 60_000, payload: '"secret"' })
    const outcome = { kind: 'done', result: '"also secret"', keepMs: 0 } as const
    await s.settled(await s.takeOne(), outcome)
    const record = await s.get(id)
    assert.deepEqual([record.payload, record.codec, record.result], ['', 'none', null])
    assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 60_000)
  },
  'after its window an id is taken again, with a new seq': async (s) => {
    const job = newJob({ dedupeMs: LEASE / 2 })
    await s.enqueue([job])
    const first = await s.takeOne()
    await s.settled(first, DONE)
    await s.upkeep(({ removed }) => removed === 1)
    const [again] = await s.enqueue([job])
    assert.ok(again?.status === 'added' && again.seq > first.seq)
    assert.equal((await s.takeOne()).id, job.id)
  },
  'an id without a window is free as soon as its job is removed': async (s) => {
    const job = newJob()
    await s.enqueue([job])
    await s.settled(await s.takeOne(), DONE)
    assert.equal((await s.enqueue([job]))[0]?.status, 'added')
  },
  'a longer retention outlasts the window': async (s) => {
    const id = await s.addOne({ dedupeMs: 10 })
    await s.settled(await s.takeOne(), { ...DEAD, keepMs: 50_000 })
    const record = await s.get(id)
    assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 50_000)
    assert.equal(record.codec, 'json')
  },
})
