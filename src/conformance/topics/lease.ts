import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, LEASE, newJob, only, POLICY, RELEASE, RETRY } from '../subject.ts'

export const leaseCases: ConformanceCase[] = [
  ...topic('lease', {
    'a job is not taken by another while its lease holds': async (s) => {
      await s.held()
      await s.pass(LEASE / 4)
      await s.maintain()
      assert.deepEqual(await (await s.another()).take(), [])
    },
    'an expired lease makes a job wait again, unharmed when it was only claimed': async (s) => {
      await s.maintain()
      const { id } = await s.held()
      const report = await s.upkeep(({ returned }) => returned === 1)
      assert.deepEqual([report.crashed, report.dead], [[], []])
      const record = await s.get(id)
      assert.deepEqual(
        [record.state, record.owner, record.token, record.leaseUntil, record.attempt, record.crashes],
        ['waiting', null, null, null, 0, 0],
      )
    },
    'a renewed lease holds on': async (s) => {
      await s.maintain()
      const job = await s.held()
      for (let n = 0; n < 16; n++) {
        await s.pass(LEASE / 8)
        const held = await s.backend.renew(s.owner, LEASE)
        assert.deepEqual(held, [{ id: job.id, token: job.token }])
        assert.equal((await s.maintain()).returned, 0)
      }
      await s.settled(job, DONE)
    },
    'renew answers with every job that the owner holds, and with no other': async (s) => {
      const other = await s.another()
      await s.add({}, {}, {}, {})
      const first = await s.take({ limit: 2 })
      const second = await s.take({ limit: 1 })
      await other.take()
      await s.settled(first[0] ?? assert.fail(), RELEASE)
      const held = await s.backend.renew(s.owner, LEASE)
      assert.deepEqual(
        held.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        [...first.slice(1), ...second]
          .map(({ id, token }) => ({ id, token }))
          .sort((a, b) => (a.id < b.id ? -1 : 1)),
      )
    },
    'renew covers the claims of an owner in every queue': async (s) => {
      const other = s.at(`${s.queue}-2`)
      await s.add({})
      await other.add({})
      await s.take()
      await other.take({ owner: s.owner, token: `${s.owner}:elsewhere` })
      assert.equal((await s.backend.renew(s.owner, LEASE)).length, 2)
    },
    'renew of an owner that holds nothing gives nothing': async (s) => {
      assert.deepEqual(await s.backend.renew(s.owner, LEASE), [])
    },
    'a claim that was reaped is missing from renew': async (s) => {
      await s.maintain()
      await s.held()
      await s.upkeep(({ returned }) => returned === 1)
      assert.deepEqual(await s.backend.renew(s.owner, LEASE), [])
    },
    'a lease that expired unseen is renewed': async (s) => {
      const job = await s.held()
      await s.pass(LEASE * 1.5)
      assert.equal(only(await s.backend.renew(s.owner, LEASE)).token, job.token)
      await s.maintain()
      await s.settled(job, DONE)
    },
    'a job whose lease expired unseen can still be settled': async (s) => {
      const job = await s.held()
      await s.pass(LEASE * 1.5)
      await s.settled(job, DONE)
    },
    'is never renewed beyond what its claim allows': async (s) => {
      await s.maintain()
      const job = await s.held({}, { renewForMs: LEASE })
      for (let n = 0; n < 60; n++) {
        await s.backend.renew(s.owner, LEASE)
        if ((await s.maintain()).returned === 1) break
        await s.pass(LEASE / 8)
      }
      assert.equal(await s.state(job.id), 'waiting')
      assert.deepEqual(await s.settle(job, DONE), { status: 'stale' })
    },
    'each claim has its own lease': async (s) => {
      await s.maintain()
      await s.add({}, {})
      const short = await s.takeOne({ limit: 1 })
      const long = await s.takeOne({ limit: 1, leaseMs: LEASE * 100 })
      await s.upkeep(({ returned }) => returned === 1)
      assert.equal(await s.state(short.id), 'waiting')
      assert.equal(await s.state(long.id), 'active')
    },
  }),

  ...topic(
    'lease',
    {
      'a clock set forward steals no lease': async (s) => {
        await s.maintain()
        const job = await s.held()
        await s.harness.jumpWall?.(3_600_000)
        const report = await s.maintain()
        assert.equal(report.returned, 0)
        await s.settled(job, DONE)
      },
      'a clock set back makes no lease last': async (s) => {
        await s.maintain()
        await s.held()
        await s.harness.jumpWall?.(-3_600_000)
        await s.upkeep(({ returned }) => returned === 1)
      },
    },
    'jumpWall',
  ),

  ...topic('fencing', {
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
  }),

  ...topic('start', {
    'records that a handler may have begun': async (s) => {
      const job = await s.held()
      assert.equal(await s.start(job), 'started')
      assert.equal((await s.get(job.id)).started, true)
    },
    'of what was recorded before is started again': async (s) => {
      const job = await s.held({}, { start: 1 })
      assert.equal(await s.start(job), 'started')
      await s.backend.pause(s.queue)
      assert.equal(await s.start(job), 'started')
    },
    'is held back by a pause, and the job is still claimed': async (s) => {
      const job = await s.held()
      await s.backend.pause(s.queue)
      assert.equal(await s.start(job), 'paused')
      const record = await s.get(job.id)
      assert.deepEqual([record.state, record.started, record.token], ['active', false, job.token])
      await s.settled(job, RELEASE)
    },
    'refuses what was cancelled': async (s) => {
      const job = await s.held()
      await s.backend.cancel(s.queue, [job.id], null)
      assert.equal(await s.start(job), 'stale')
    },
    'answers for each, in order': async (s) => {
      await s.add({}, {}, {})
      const jobs = await s.take()
      await s.settled(jobs[1] ?? assert.fail(), RELEASE)
      assert.deepEqual(await s.backend.start(jobs.map((job) => s.ref(job))), ['started', 'stale', 'started'])
    },
    'is forgotten when the job is handed back': async (s) => {
      const job = await s.held({}, { start: 1 })
      await s.settled(job, RELEASE)
      assert.equal((await s.takeOne()).started, false)
    },
  }),
]
