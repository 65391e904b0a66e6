import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, KEPT, newJob } from '../subject.ts'

export const maxLengthCases: ConformanceCase[] = topic('max length', {
  'rejects what is above it as QUEUE_FULL and takes what fits': async (s) => {
    const results = await s.enqueue([newJob(), newJob(), newJob()], 2)
    assert.deepEqual(
      results.map(({ status }) => status),
      ['added', 'added', 'rejected'],
    )
    const [, , rejected] = results
    assert.ok(rejected?.status === 'rejected' && rejected.code === 'QUEUE_FULL')
    assert.match(rejected.reason, /2/)
  },
  'counts jobs that wait, are delayed or run': async (s) => {
    await s.held()
    await s.add({ delayMs: 60_000 }, {})
    assert.equal((await s.enqueue([newJob()], 3))[0]?.status, 'rejected')
    assert.equal((await s.enqueue([newJob()], 4))[0]?.status, 'added')
  },
  'does not count finished jobs': async (s) => {
    await s.settled(await s.held(), KEPT)
    await s.settled(await s.held(), DEAD)
    const [cancelled = ''] = await s.add({})
    await s.backend.cancel(s.queue, [cancelled], null)
    assert.equal((await s.enqueue([newJob()], 1))[0]?.status, 'added')
  },
  'a known id is a duplicate although the queue is full': async (s) => {
    const job = newJob()
    await s.enqueue([job], 1)
    assert.equal((await s.enqueue([job], 1))[0]?.status, 'duplicate')
  },
  'counts each queue by itself': async (s) => {
    await s.add({}, {})
    const other = s.at(`${s.queue}-2`)
    assert.equal((await other.enqueue([newJob()], 1))[0]?.status, 'added')
  },
})
