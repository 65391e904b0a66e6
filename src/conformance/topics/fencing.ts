import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, LEASE, newJob, POLICY, RELEASE, RETRY } from '../subject.ts'

export const fencingCases: ConformanceCase[] = topic('fencing', {
  'a token that is not the present one settles nothing': async (s) => {
    const first = await s.held()
    await s.settled(first, RELEASE)
    const second = await s.takeOne()
    const before = await s.get(first.id)
    for (const outcome of [DONE, DEAD, RETRY, RELEASE]) {
      assert.deepEqual(await s.settle(first, outcome), { status: 'stale' })
    }
    assert.deepEqual(await s.get(first.id), before)
    await s.settled(second, DONE)
  },
  'a job is settled once': async (s) => {
    const job = await s.held()
    await s.settled(job, { kind: 'done', result: '1', keepMs: null })
    assert.deepEqual(await s.settle(job, DEAD), { status: 'stale' })
    assert.equal((await s.get(job.id)).state, 'done')
  },
  'stale and present tokens mix in one call, each with its own answer': async (s) => {
    await s.add({}, {}, {})
    const jobs = await s.take()
    const [a, b, c] = jobs.map((job) => ({ ref: s.ref(job), outcome: DONE }))
    assert.ok(a && b && c)
    const forged = { ref: { ...b.ref, token: 'nobody:1' }, outcome: DONE }
    const results = await s.backend.settle([a, forged, c])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['ok', 'stale', 'ok'],
    )
    assert.equal(await s.state(b.ref.id), 'active')
  },
  'the same job twice in one call is settled once': async (s) => {
    const job = await s.held()
    const settlement = { ref: s.ref(job), outcome: DONE }
    const results = await s.backend.settle([settlement, settlement])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['ok', 'stale'],
    )
  },
  'start, progress and renew know a stale token': async (s) => {
    const job = await s.held()
    await s.settled(job, RELEASE)
    assert.equal(await s.start(job), 'stale')
    assert.deepEqual(await s.backend.progress([{ ref: s.ref(job), progress: '1' }]), ['stale'])
    assert.deepEqual(await s.backend.renew(s.owner, LEASE), [])
    const record = await s.get(job.id)
    assert.deepEqual([record.started, record.progress], [false, null])
  },
  'a token taken by an owner that was released is stale': async (s) => {
    const job = await s.held()
    await s.backend.releaseOwner(s.owner, POLICY)
    assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    assert.equal(await s.state(job.id), 'waiting')
  },
  'a replayed job knows nothing of its old tokens': async (s) => {
    const job = await s.held()
    await s.settled(job, DEAD)
    await s.backend.replay({ queue: s.queue, limit: 10 })
    assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    const again = await s.takeOne()
    assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    await s.settled(again, DONE)
  },
  'an id that was removed and added again is another job': async (s) => {
    const job = await s.held({ id: 'again' })
    await s.settled(job, DONE)
    const second = await s.held({ id: 'again' })
    assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    assert.deepEqual(await s.settle({ ...job, seq: second.seq }, DONE), { status: 'stale' })
    assert.deepEqual(await s.settle({ ...second, seq: job.seq }, DONE), { status: 'stale' })
    await s.settled(second, DONE)
  },
  'what names a job that never was is stale': async (s) => {
    const job = { ...(await s.held()), id: 'nobody' }
    assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    assert.equal(await s.start(job), 'stale')
  },
  'a stale settle enqueues no follow-ups': async (s) => {
    const job = await s.held()
    await s.settled(job, DONE)
    const next = s.at(`${s.queue}-next`)
    assert.deepEqual(await s.settle(job, DONE, [{ queue: next.queue, jobs: [newJob()] }]), {
      status: 'stale',
    })
    assert.deepEqual(await next.take(), [])
  },
})
