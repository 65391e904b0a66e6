import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { LEASE, RETRY } from '../subject.ts'

const HOLD = { kind: 'hold', again: { delayMs: 0 }, error: RETRY.error } as const

export const retryCases: ConformanceCase[] = topic('retry', {
  'spends an attempt, notes the error and waits': async (s) => {
    const job = await s.held()
    await s.settled(job, { ...RETRY, again: { delayMs: 60_000 } })
    const record = await s.get(job.id)
    const now = await s.now()
    assert.deepEqual([record.state, record.attempt, record.error], ['delayed', 1, RETRY.error])
    assert.equal(record.history[0]?.event, 'retry')
    assert.ok(record.runAt !== null && record.runAt > now && record.runAt <= now + 60_000)
    assert.deepEqual(await s.take(), [])
  },
  'at once makes it wait without delay': async (s) => {
    const job = await s.held()
    await s.settled(job, RETRY)
    const again = await s.takeOne()
    assert.deepEqual([again.id, again.attempt], [job.id, 1])
  },
  'at a time of day waits for it': async (s) => {
    const job = await s.held()
    const runAt = (await s.now()) + 50_000
    await s.settled(job, { ...RETRY, again: { runAt } })
    assert.equal((await s.get(job.id)).runAt, runAt)
  },
  'at a time that is over does not wait': async (s) => {
    const job = await s.held()
    await s.settled(job, { ...RETRY, again: { runAt: 1 } })
    assert.equal(await s.state(job.id), 'waiting')
  },
  'runs again when its delay is over': async (s) => {
    const job = await s.held()
    await s.settled(job, { ...RETRY, again: { delayMs: LEASE / 4 } })
    await s.upkeep(({ promoted }) => promoted === 1)
    assert.equal((await s.takeOne()).id, job.id)
  },
  'keeps the newest ten lines of history': async (s) => {
    const id = await s.addOne()
    for (let n = 1; n <= 12; n++) {
      await s.settled(await s.takeOne(), { ...RETRY, error: { ...RETRY.error, message: `try ${n}` } })
    }
    const record = await s.get(id)
    assert.equal(record.attempt, 12)
    assert.deepEqual(
      record.history.map(({ error }) => error?.message),
      Array.from({ length: 10 }, (_, n) => `try ${n + 3}`),
    )
  },
  'snooze spends nothing and leaves no trace': async (s) => {
    const before = await s.get(await s.addOne())
    await s.settled(await s.startOne(), { kind: 'snooze', again: { delayMs: 60_000 } })
    const { runAt, ...record } = await s.get(before.id)
    assert.ok(runAt !== null)
    assert.deepEqual({ ...record, runAt: null }, { ...before, state: 'delayed' })
  },
  'hold spends nothing, notes since when, and the first time why': async (s) => {
    const id = await s.addOne()
    await s.settled(await s.takeOne(), HOLD)
    const first = await s.get(id)
    assert.ok(first.heldSince !== null)
    assert.deepEqual([first.attempt, first.error], [0, HOLD.error])
    await s.pass(20)
    const again = await s.takeOne()
    assert.equal(again.heldSince, first.heldSince)
    await s.settled(again, HOLD)
    const second = await s.get(id)
    assert.deepEqual([second.heldSince, second.history.length], [first.heldSince, 1])
  },
  'a worker that understood a held job ends the holding': async (s) => {
    const id = await s.addOne()
    await s.settled(await s.takeOne(), HOLD)
    await s.settled(await s.takeOne(), RETRY)
    assert.equal((await s.get(id)).heldSince, null)
  },
})
