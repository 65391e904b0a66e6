import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, only, RELEASE, RETRY } from '../subject.ts'

export const suspectsCases: ConformanceCase[] = topic('suspects', {
  'are not taken with others': async (s) => {
    const suspect = await s.suspect()
    const [calm] = await s.add({})
    const result = await s.claim()
    assert.deepEqual([only(result.jobs).id, result.suspectWaiting], [calm, true])
    assert.equal(await s.state(suspect), 'waiting')
  },
  'are taken alone, whatever the limit': async (s) => {
    const first = await s.suspect()
    const second = await s.suspect()
    await s.add({}, {})
    assert.deepEqual(await s.takeIds({ suspects: 'only', limit: 100 }), [first])
    assert.deepEqual(await s.takeIds({ suspects: 'only', limit: 100 }), [second])
    assert.deepEqual(await s.takeIds({ suspects: 'only', limit: 100 }), [])
  },
  'come most urgent first': async (s) => {
    const calm = await s.suspect({ priority: 1 })
    const urgent = await s.suspect({ priority: 5 })
    assert.deepEqual(await s.takeIds({ suspects: 'only' }), [urgent])
    assert.deepEqual(await s.takeIds({ suspects: 'only' }), [calm])
  },
  'have their start recorded with the claim when asked': async (s) => {
    const id = await s.suspect()
    const job = await s.startOne({ suspects: 'only' })
    assert.deepEqual([job.id, job.started, job.crashes], [id, true, 1])
  },
  'are told of only while they wait, and only to who handles their type': async (s) => {
    await s.suspect({ type: 'mail' })
    assert.equal((await s.claim({ types: ['fax'] })).suspectWaiting, false)
    assert.equal((await s.claim({ types: ['fax', 'mail'] })).suspectWaiting, true)
    const job = await s.takeOne({ suspects: 'only' })
    assert.equal((await s.claim()).suspectWaiting, false)
    await s.settled(job, RELEASE)
    assert.equal((await s.claim()).suspectWaiting, true)
  },
  'are taken only by type': async (s) => {
    await s.suspect({ type: 'mail' })
    assert.deepEqual(await s.take({ suspects: 'only', types: ['fax'] }), [])
  },
  'stay suspects through retry and hand-back': async (s) => {
    const id = await s.suspect()
    await s.settled(await s.startOne({ suspects: 'only' }), RETRY)
    assert.deepEqual(await s.take(), [])
    await s.settled(await s.startOne({ suspects: 'only' }), RELEASE)
    assert.equal((await s.get(id)).crashes, 1)
    assert.deepEqual(await s.take(), [])
  },
  'that succeed are done like any other': async (s) => {
    const id = await s.suspect()
    await s.settled(await s.startOne({ suspects: 'only' }), DONE)
    assert.equal(await s.state(id), 'gone')
    assert.equal((await s.claim()).suspectWaiting, false)
  },
  'are given again after a lost reply': async (s) => {
    await s.suspect()
    const request = s.request({ suspects: 'only', start: 1 })
    const { jobs } = await s.backend.claim(request)
    assert.deepEqual((await s.backend.claim(request)).jobs, jobs)
  },
  'are held back by a pause': async (s) => {
    await s.suspect()
    await s.backend.pause(s.queue)
    assert.deepEqual(await s.take({ suspects: 'only' }), [])
  },
})
