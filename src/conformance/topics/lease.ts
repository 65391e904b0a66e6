import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DONE, LEASE, only, RELEASE } from '../subject.ts'

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
]
