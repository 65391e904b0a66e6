import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { newJob, POLICY } from '../subject.ts'

export const openAndCloseCases: ConformanceCase[] = topic('open and close', {
  'opening again is free': async (s) => {
    await s.backend.open()
    await s.addOne()
  },
  'closing again is free': async (s) => {
    await s.backend.close()
    await s.backend.close()
  },
  'after close every call fails with INVALID_STATE': async (s) => {
    const { backend, queue, owner } = s
    const request = s.request()
    await backend.close()
    const calls: Record<string, () => unknown> = {
      enqueue: () => s.enqueue([newJob()]),
      claim: () => backend.claim(request),
      settle: () => backend.settle([]),
      exchange: () => backend.exchange([], request),
      start: () => backend.start([]),
      renew: () => backend.renew(owner, 1000),
      progress: () => backend.progress([]),
      releaseOwner: () => backend.releaseOwner(owner, POLICY),
      maintain: () => s.maintain(),
      watch: () => backend.watch(queue, () => {}),
      get: () => backend.get(queue, 'a'),
      list: () => backend.list({ queue, limit: 1 }),
      stats: () => backend.stats(),
      pause: () => backend.pause(queue),
      resume: () => backend.resume(queue),
      cancel: () => backend.cancel(queue, [], null),
      replay: () => backend.replay({ queue, limit: 1 }),
      purge: () => backend.purge({ queue, limit: 1 }),
      readSchedule: () => backend.readSchedule(queue, 'a'),
      advanceSchedule: () => backend.advanceSchedule({ queue, name: 'a', from: null, to: 1, jobs: [] }),
    }
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(async () => call(), { code: 'INVALID_STATE' }, name)
    }
  },
  'after close no hint comes': async (s) => {
    let hints = 0
    s.backend.watch(s.queue, () => hints++)
    const adding = s.addOne()
    await adding
    await s.backend.close()
    const before = hints
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(hints, before)
  },
  'capabilities are complete and do not change': async (s) => {
    const { capabilities, name } = s.backend
    assert.ok(name.length > 0)
    assert.ok(capabilities.maxPayloadBytes >= 1_048_576)
    assert.ok(['process', 'machine', 'network'].includes(capabilities.sharedBy))
    assert.ok(capabilities.url === null || URL.canParse(capabilities.url))
    assert.equal(s.backend.capabilities, capabilities)
  },
})
