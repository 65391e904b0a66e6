import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, only, RELEASE } from '../subject.ts'

export const settleCases: ConformanceCase[] = topic('settle', {
  'done without retention removes the job': async (s) => {
    const job = await s.held()
    await s.settled(job, DONE)
    assert.equal(await s.state(job.id), 'gone')
  },
  'done with retention keeps the job and its result': async (s) => {
    const job = await s.held()
    await s.settled(job, { kind: 'done', result: '{"n":1}', keepMs: 60_000 })
    const record = await s.get(job.id)
    assert.deepEqual(
      [record.state, record.result, record.error, record.owner, record.token, record.leaseUntil],
      ['done', '{"n":1}', null, null, null, null],
    )
    assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 60_000)
  },
  'done for ever has no end of keeping': async (s) => {
    const job = await s.held()
    await s.settled(job, KEPT)
    assert.equal((await s.get(job.id)).keepUntil, null)
  },
  'dead keeps the payload, the error and a line of history, and spends an attempt': async (s) => {
    const job = await s.held()
    await s.settled(job, DEAD)
    const record = await s.get(job.id)
    assert.deepEqual(
      [record.state, record.payload, record.error, record.attempt],
      ['dead', job.payload, DEAD.error, 1],
    )
    assert.deepEqual(
      record.history.map(({ event, error }) => ({ event, error })),
      [{ event: 'dead', error: DEAD.error }],
    )
  },
  'cancelled ends the job at its own worker': async (s) => {
    const job = await s.held()
    await s.settled(job, { kind: 'cancelled', keepMs: null })
    assert.equal(await s.state(job.id), 'cancelled')
  },
  'release hands a job back, unharmed': async (s) => {
    const before = await s.get(await s.addOne())
    await s.settled(await s.startOne(), RELEASE)
    assert.deepEqual(await s.get(before.id), before)
  },
  'settles hundreds at once, each as it says': async (s) => {
    await s.add(...Array.from({ length: 300 }, () => ({})))
    const jobs = await s.take({ limit: 300 })
    const outcomes = [DONE, DEAD, RELEASE] as const
    const results = await s.backend.settle(
      jobs.map((job, n) => ({ ref: s.ref(job), outcome: outcomes[n % 3] ?? DONE })),
    )
    assert.ok(results.every(({ status }) => status === 'ok'))
    const { counts } = only(await s.backend.stats(s.queue))
    assert.deepEqual([counts.waiting, counts.active, counts.dead, counts.done], [100, 0, 100, 0])
  },
  'settles jobs of several queues in one call': async (s) => {
    const other = s.at(`${s.queue}-2`)
    const [a, b] = [await s.held(), await other.held()]
    const results = await s.backend.settle([
      { ref: s.ref(a), outcome: DONE },
      { ref: other.ref(b), outcome: DEAD },
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['ok', 'ok'],
    )
    assert.deepEqual([await s.state(a.id), await other.state(b.id)], ['gone', 'dead'])
  },
  'of nothing is fine': async (s) => {
    assert.deepEqual(await s.backend.settle([]), [])
    assert.deepEqual(await s.backend.start([]), [])
    assert.deepEqual(await s.backend.progress([]), [])
  },
})
