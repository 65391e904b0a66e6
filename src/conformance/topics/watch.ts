import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, eventually, newJob, RELEASE, type Subject } from '../subject.ts'

export const watchCases: ConformanceCase[] = topic('watch', {
  'hints at a new job': async (s) => {
    const hinted = watched(s)
    await s.addOne()
    await eventually(hinted, 'a hint')
  },
  'hints at a delayed job, which may be the next to run': async (s) => {
    const hinted = watched(s)
    await s.addOne({ delayMs: 60_000 })
    await eventually(hinted, 'a hint')
  },
  'hints at a pause and at a resume': async (s) => {
    await s.addOne()
    let hinted = watched(s)
    await s.backend.pause(s.queue)
    await eventually(hinted, 'a hint at the pause')
    hinted = watched(s)
    await s.backend.resume(s.queue)
    await eventually(hinted, 'a hint at the resume')
  },
  'hints at the cancel of a running job': async (s) => {
    const job = await s.held()
    const hinted = watched(s)
    await s.backend.cancel(s.queue, [job.id], null)
    await eventually(hinted, 'a hint')
  },
  'hints at a job that was handed back': async (s) => {
    const job = await s.held()
    const hinted = watched(s)
    await s.settled(job, RELEASE)
    await eventually(hinted, 'a hint')
  },
  'hints at jobs of a dead owner and at replayed ones': async (s) => {
    await s.held()
    let hinted = watched(s)
    await s.backend.releaseOwner(s.owner, { maxCrashes: 2, keepDeadMs: null })
    await eventually(hinted, 'a hint at the release')
    await s.settled(await s.takeOne(), DEAD)
    hinted = watched(s)
    await s.backend.replay({ queue: s.queue, limit: 10 })
    await eventually(hinted, 'a hint at the replay')
  },
  'hints at a follow-up in another queue': async (s) => {
    const job = await s.held()
    const next = s.at(`${s.queue}-next`)
    const hinted = watched(next)
    await s.settle(job, DONE, [{ queue: next.queue, jobs: [newJob()] }])
    await eventually(hinted, 'a hint')
  },
  'hints every watcher, in any opening of the store': async (s) => {
    const other = await s.another()
    const [here, there] = [watched(s), watched(other)]
    await s.addOne()
    await eventually(() => here() && there(), 'a hint to both')
  },
  'never calls within the call that caused it': async (s) => {
    let within = true
    let early = false
    const end = s.backend.watch(s.queue, () => (early ||= within))
    const adding = s.addOne()
    within = false
    await adding
    end()
    assert.equal(early, false)
  },
  'ends when it is told, and ending it twice is free': async (s) => {
    let hints = 0
    const end = s.backend.watch(s.queue, () => hints++)
    end()
    end()
    const hinted = watched(s)
    await s.addOne()
    await eventually(hinted, 'a hint')
    assert.equal(hints, 0)
  },
})

/** Watches from now on; answers whether a hint came. */
function watched(s: Subject): () => boolean {
  let hinted = false
  s.backend.watch(s.queue, () => (hinted = true))
  return () => hinted
}
