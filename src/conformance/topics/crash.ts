import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, POLICY } from '../subject.ts'

const CRASH = {
  kind: 'crash',
  error: { name: 'RangeError', message: 'stack', code: null, stack: null },
  policy: POLICY,
} as const

export const crashCases: ConformanceCase[] = topic('crash', {
  'of a worker returns what it had only claimed, unharmed': async (s) => {
    const before = await s.get(await s.addOne())
    await s.take()
    const report = await s.backend.releaseOwner(s.owner, POLICY)
    assert.deepEqual(report, { returned: 1, crashed: [], dead: [] })
    assert.deepEqual(await s.get(before.id), before)
  },
  'of a worker counts against what it had started, and spends no attempt': async (s) => {
    const job = await s.held({}, { start: 1 })
    const report = await s.backend.releaseOwner(s.owner, POLICY)
    assert.deepEqual(report, { returned: 0, crashed: [job.id], dead: [] })
    const record = await s.get(job.id)
    assert.deepEqual(
      [record.state, record.crashes, record.attempt, record.started, record.error?.code],
      ['waiting', 1, 0, false, 'JOB_CRASHED'],
    )
    assert.equal(record.history[0]?.event, 'crash')
  },
  'a start that was recorded later counts the same': async (s) => {
    const job = await s.held()
    await s.start(job)
    assert.deepEqual((await s.backend.releaseOwner(s.owner, POLICY)).crashed, [job.id])
  },
  'an expired lease of a started job counts a crash': async (s) => {
    await s.maintain()
    const job = await s.held({}, { start: 1 })
    const report = await s.upkeep(({ crashed }) => crashed.length > 0)
    assert.deepEqual([report.crashed, report.returned], [[job.id], 0])
    assert.equal((await s.get(job.id)).crashes, 1)
  },
  'releasing an owner touches nobody else': async (s) => {
    const other = await s.another()
    const job = await s.held()
    const report = await s.backend.releaseOwner(other.owner, POLICY)
    assert.deepEqual(report, { returned: 0, crashed: [], dead: [] })
    await s.settled(job, DONE)
  },
  'releasing an owner covers all its queues, and doing it again is free': async (s) => {
    const other = s.at(`${s.queue}-2`)
    await s.held()
    await other.held({}, { owner: s.owner, token: `${s.owner}:elsewhere` })
    assert.equal((await s.backend.releaseOwner(s.owner, POLICY)).returned, 2)
    assert.equal((await s.backend.releaseOwner(s.owner, POLICY)).returned, 0)
  },
  'too many crashes are the death of a job, with the cause': async (s) => {
    await s.suspect()
    const job = await s.startOne({ suspects: 'only' })
    const report = await s.backend.releaseOwner(s.owner, POLICY)
    assert.deepEqual(report, { returned: 0, crashed: [], dead: [job.id] })
    const record = await s.get(job.id)
    assert.deepEqual([record.state, record.crashes, record.error?.code], ['dead', 2, 'JOB_CRASHED'])
    assert.match(record.error?.message ?? '', /crash 2 of 2/)
  },
  'that a worker lived to report counts the same, with its own cause': async (s) => {
    const job = await s.held({}, { start: 1 })
    await s.settled(job, CRASH)
    const record = await s.get(job.id)
    assert.deepEqual([record.state, record.crashes, record.error], ['waiting', 1, CRASH.error])
    await s.settled(await s.startOne({ suspects: 'only' }), CRASH)
    const { state, error } = await s.get(job.id)
    assert.deepEqual([state, error?.name, error?.code], ['dead', 'RangeError', 'JOB_CRASHED'])
    assert.match(error?.message ?? '', /^stack/)
  },
  'a job that died of crashes is kept as long as the policy says': async (s) => {
    const job = await s.held({}, { start: 1 })
    await s.backend.releaseOwner(s.owner, { maxCrashes: 1, keepDeadMs: 70_000 })
    const record = await s.get(job.id)
    assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 70_000)
  },
})
