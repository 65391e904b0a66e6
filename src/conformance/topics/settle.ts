import assert from 'node:assert/strict'
import { type ConformanceCase, topic } from '../case.ts'
import { DEAD, DONE, KEPT, LEASE, newJob, only, RELEASE, RETRY } from '../subject.ts'

const HOLD = { kind: 'hold', again: { delayMs: 0 }, error: RETRY.error } as const

export const settleCases: ConformanceCase[] = [
  ...topic('settle', {
    'done without retention removes the job': async (s) => {
      const job = await s.held()
      await s.settled(job, DONE)
      assert.equal(await s.state(job.id), 'gone')
    },
    'done with retention keeps the job and its result': async (s) => {
      const job = await s.held()
      await s.settled(job, { kind: 'done', result: '{"n":1}', keepMs: 60_000 })
      const record = await s.get(job.id)
      assert.deepEqual(
        [record.state, record.result, record.error, record.owner, record.token, record.leaseUntil],
        ['done', '{"n":1}', null, null, null, null],
      )
      assert.equal(record.keepUntil, (record.finishedAt ?? 0) + 60_000)
    },
    'done for ever has no end of keeping': async (s) => {
      const job = await s.held()
      await s.settled(job, KEPT)
      assert.equal((await s.get(job.id)).keepUntil, null)
    },
    'dead keeps the payload, the error and a line of history, and spends an attempt': async (s) => {
      const job = await s.held()
      await s.settled(job, DEAD)
      const record = await s.get(job.id)
      assert.deepEqual(
        [record.state, record.payload, record.error, record.attempt],
        ['dead', job.payload, DEAD.error, 1],
      )
      assert.deepEqual(
        record.history.map(({ event, error }) => ({ event, error })),
        [{ event: 'dead', error: DEAD.error }],
      )
    },
    'cancelled ends the job at its own worker': async (s) => {
      const job = await s.held()
      await s.settled(job, { kind: 'cancelled', keepMs: null })
      assert.equal(await s.state(job.id), 'cancelled')
    },
    'release hands a job back, unharmed': async (s) => {
      const before = await s.get(await s.addOne())
      await s.settled(await s.startOne(), RELEASE)
      assert.deepEqual(await s.get(before.id), before)
    },
    'settles hundreds at once, each as it says': async (s) => {
      await s.add(...Array.from({ length: 300 }, () => ({})))
      const jobs = await s.take({ limit: 300 })
      const outcomes = [DONE, DEAD, RELEASE] as const
      const results = await s.backend.settle(
        jobs.map((job, n) => ({ ref: s.ref(job), outcome: outcomes[n % 3] ?? DONE })),
      )
      assert.ok(results.every(({ status }) => status === 'ok'))
      const { counts } = only(await s.backend.stats(s.queue))
      assert.deepEqual([counts.waiting, counts.active, counts.dead, counts.done], [100, 0, 100, 0])
    },
    'settles jobs of several queues in one call': async (s) => {
      const other = s.at(`${s.queue}-2`)
      const [a, b] = [await s.held(), await other.held()]
      const results = await s.backend.settle([
        { ref: s.ref(a), outcome: DONE },
        { ref: other.ref(b), outcome: DEAD },
      ])
      assert.deepEqual(
        results.map(({ status }) => status),
        ['ok', 'ok'],
      )
      assert.deepEqual([await s.state(a.id), await other.state(b.id)], ['gone', 'dead'])
    },
    'of nothing is fine': async (s) => {
      assert.deepEqual(await s.backend.settle([]), [])
      assert.deepEqual(await s.backend.start([]), [])
      assert.deepEqual(await s.backend.progress([]), [])
    },
  }),

  ...topic('retry', {
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
  }),

  ...topic('exchange', {
    'settles, then claims': async (s) => {
      const job = await s.held()
      const [next] = await s.add({}, {})
      const { settled, claimed } = await s.backend.exchange(
        [{ ref: s.ref(job), outcome: DONE }],
        s.request({ limit: 1 }),
      )
      assert.deepEqual(settled, [{ status: 'ok', followUps: [] }])
      assert.equal(only(claimed.jobs).id, next)
      assert.equal(await s.state(job.id), 'gone')
    },
    'claims what its own settle has freed': async (s) => {
      const job = await s.held()
      const { claimed } = await s.backend.exchange([{ ref: s.ref(job), outcome: RELEASE }], s.request())
      const again = only(claimed.jobs)
      assert.equal(again.id, job.id)
      assert.notEqual(again.token, job.token)
    },
    'claims a follow-up of its own settle': async (s) => {
      const job = await s.held()
      const followUp = newJob()
      const { claimed } = await s.backend.exchange(
        [{ ref: s.ref(job), outcome: DONE, followUps: [{ queue: s.queue, jobs: [followUp] }] }],
        s.request(),
      )
      assert.equal(only(claimed.jobs).id, followUp.id)
    },
    'settles although it claims nothing, and claims although it settles nothing': async (s) => {
      const job = await s.held()
      const first = await s.backend.exchange([{ ref: s.ref(job), outcome: DONE }], s.request({ limit: 0 }))
      assert.deepEqual([first.settled.length, first.claimed.jobs], [1, []])
      await s.addOne()
      const second = await s.backend.exchange([], s.request())
      assert.deepEqual([second.settled, second.claimed.jobs.length], [[], 1])
    },
    'reports stale settlements and claims all the same': async (s) => {
      const job = await s.held()
      await s.settled(job, DONE)
      await s.addOne()
      const { settled, claimed } = await s.backend.exchange([{ ref: s.ref(job), outcome: DONE }], s.request())
      assert.deepEqual(settled, [{ status: 'stale' }])
      assert.equal(claimed.jobs.length, 1)
    },
  }),

  ...topic('follow-ups', {
    'are enqueued with the settle, in any queue, and answered in order': async (s) => {
      const job = await s.held()
      const next = s.at(`${s.queue}-next`)
      const [a, b, c] = [newJob(), newJob({ delayMs: 60_000 }), newJob()]
      const result = await s.settle(job, DONE, [
        { queue: next.queue, jobs: [a, b] },
        { queue: s.queue, jobs: [c] },
      ])
      assert.ok(result.status === 'ok')
      assert.deepEqual(
        result.followUps.map(({ id, status }) => [id, status]),
        [a, b, c].map(({ id }) => [id, 'added']),
      )
      assert.deepEqual([await next.state(a.id), await next.state(b.id)], ['waiting', 'delayed'])
      assert.equal((await s.takeOne()).id, c.id)
    },
    'that are known are duplicates, and the job is settled': async (s) => {
      const known = newJob({ delayMs: 60_000 })
      await s.enqueue([known])
      const job = await s.held()
      const result = await s.settle(job, DONE, [{ queue: s.queue, jobs: [known] }])
      assert.ok(result.status === 'ok')
      assert.equal(only(result.followUps).status, 'duplicate')
      assert.equal(await s.state(job.id), 'gone')
    },
    'that are too large are rejected alone, and the job is settled': async (s) => {
      const job = await s.held()
      const large = newJob({ payload: 'x'.repeat(s.backend.capabilities.maxPayloadBytes + 1) })
      const result = await s.settle(job, DONE, [{ queue: s.queue, jobs: [large, newJob()] }])
      assert.ok(result.status === 'ok')
      assert.deepEqual(
        result.followUps.map(({ status }) => status),
        ['rejected', 'added'],
      )
    },
    'come with a failure as well': async (s) => {
      const job = await s.held()
      const followUp = newJob()
      await s.settle(job, DEAD, [{ queue: s.queue, jobs: [followUp] }])
      assert.deepEqual([await s.state(job.id), await s.state(followUp.id)], ['dead', 'waiting'])
    },
    'of a job may have its own id when it is removed': async (s) => {
      const job = await s.held({ id: 'daily' })
      const result = await s.settle(job, DONE, [{ queue: s.queue, jobs: [newJob({ id: 'daily' })] }])
      assert.ok(result.status === 'ok')
      assert.equal(only(result.followUps).status, 'added')
      assert.ok((await s.takeOne()).seq > job.seq)
    },
  }),

  ...topic('progress', {
    'is kept as it is, the last one counts': async (s) => {
      const job = await s.held()
      const updates = ['{"n":1}', '{"n":1.50, "n":2}'].map((progress) => ({ ref: s.ref(job), progress }))
      assert.deepEqual(await s.backend.progress(updates), ['ok', 'ok'])
      assert.equal((await s.get(job.id)).progress, '{"n":1.50, "n":2}')
    },
    'survives a retry': async (s) => {
      const job = await s.held()
      await s.backend.progress([{ ref: s.ref(job), progress: '5' }])
      await s.settled(job, RETRY)
      assert.equal((await s.get(job.id)).progress, '5')
    },
    'answers for each, in order': async (s) => {
      await s.add({}, {})
      const [a, b] = await s.take()
      assert.ok(a && b)
      await s.settled(a, RELEASE)
      const updates = [a, b].map((job) => ({ ref: s.ref(job), progress: '1' }))
      assert.deepEqual(await s.backend.progress(updates), ['stale', 'ok'])
    },
  }),
]
