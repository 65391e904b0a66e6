import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE } from '../subject.ts'

export const claimCases: ConformanceCase[] = topic('claim', {
  'gives what running a job needs': async (s) => {
    const id = await s.addOne({
      maxRetries: 2,
      headers: { a: 'b' },
      tags: ['t'],
      key: 'k',
      expireMs: 60_000,
    })
    const token = `${s.owner}:one`
    const job = await s.takeOne({ token })
    const record = await s.get(id)
    // Its fields, whatever it was made of.
    assert.deepEqual(
      { ...job },
      {
        id,
        seq: record.seq,
        type: 'mail',
        priority: 1,
        payload: '{"to":"ada"}',
        codec: 'json',
        attempt: 0,
        crashes: 0,
        maxRetries: 2,
        createdAt: record.createdAt,
        expiresAt: record.createdAt + 60_000,
        heldSince: null,
        headers: { a: 'b' },
        tags: ['t'],
        key: 'k',
        token,
        started: false,
      },
    )
  },
  'makes jobs active, with owner, token and lease': async (s) => {
    const job = await s.held()
    const record = await s.get(job.id)
    assert.deepEqual(
      [record.state, record.owner, record.token, record.started],
      ['active', s.owner, job.token, false],
    )
    assert.equal(typeof record.leaseUntil, 'number')
  },
  'gives a job to one worker only': async (s) => {
    const other = await s.another()
    await s.add(...Array.from({ length: 50 }, () => ({})))
    const taken = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? s : other).takeIds({ limit: 5 })),
    )
    const ids = taken.flat()
    assert.equal(ids.length, 50)
    assert.equal(new Set(ids).size, 50)
  },
  'takes no more than the limit': async (s) => {
    await s.add({}, {}, {})
    assert.equal((await s.take({ limit: 2 })).length, 2)
    assert.equal((await s.take({ limit: 2 })).length, 1)
    assert.equal((await s.take({ limit: 2 })).length, 0)
  },
  'with limit 0 takes nothing and tells the rest': async (s) => {
    await s.add({}, { delayMs: 60_000 })
    const { jobs, nextDueMs, paused } = await s.claim({ limit: 0 })
    assert.deepEqual(jobs, [])
    assert.equal(paused, false)
    assert.ok(nextDueMs !== null && nextDueMs > 0 && nextDueMs <= 60_000)
  },
  'takes only the types that it names': async (s) => {
    const [mail, , sms] = await s.add({ type: 'mail' }, { type: 'fax' }, { type: 'sms' })
    assert.deepEqual(await s.takeIds({ types: ['sms', 'mail'] }), [mail, sms])
    assert.deepEqual(await s.take({ types: ['letter'] }), [])
    assert.deepEqual(await s.take({ types: [] }), [])
  },
  'takes no more payload than maxBytes': async (s) => {
    await s.add(...Array.from({ length: 5 }, () => ({ payload: 'x'.repeat(100) })))
    assert.equal((await s.take({ maxBytes: 250 })).length, 2)
    assert.equal((await s.take({ maxBytes: 300 })).length, 3)
  },
  'takes one job although it is larger than maxBytes': async (s) => {
    await s.add({ payload: 'x'.repeat(100) }, { payload: 'y' })
    assert.equal((await s.takeOne({ maxBytes: 10 })).payload.length, 100)
    assert.equal((await s.takeOne({ maxBytes: 10 })).payload, 'y')
  },
  'from a queue that was never used gives nothing': async (s) => {
    const result = await s.claim()
    assert.deepEqual(
      [result.jobs, result.suspectWaiting, result.nextDueMs, result.paused],
      [[], false, null, false],
    )
  },
  'records the start of the first so many': async (s) => {
    await s.add({}, {}, {})
    const jobs = await s.take({ start: 2 })
    assert.deepEqual(
      jobs.map(({ started }) => started),
      [true, true, false],
    )
    for (const { id, started } of jobs) assert.equal((await s.get(id)).started, started)
  },
  'tells when the next delayed job is due': async (s) => {
    await s.add({ delayMs: 50_000 }, { delayMs: 9_000 })
    const { nextDueMs } = await s.claim()
    assert.ok(nextDueMs !== null && nextDueMs > 5_000 && nextDueMs <= 9_000)
  },
  'with a token that holds nothing any more takes jobs, which it can end': async (s) => {
    const token = `${s.owner}:again`
    await s.add({})
    const [first] = await s.take({ token, limit: 1 })
    await s.backend.cancel(s.queue, [first!.id], null)
    const [added] = await s.add({})
    const [second] = await s.take({ token, limit: 1 })
    assert.equal(second!.id, added)
    await s.settled(second!, DONE)
  },
  // Else workers ask again and again.
  'tells that no job is delayed': async (s) => {
    await s.add({}, {})
    assert.equal((await s.claim({ limit: 1 })).nextDueMs, null)
    assert.equal((await s.claim({ limit: 2 })).nextDueMs, null)
    assert.equal((await s.claim()).nextDueMs, null)
  },
})
