/** What a Postgres store has planned while it was small, what it sends together, and what meets there. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { lockSpace } from '../../src/backends/postgres/schema.ts'
import { DONE, newJob, Subject } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: PrivateServer
let backend: Backend
const harness = { open: () => Promise.reject(new Error('no')), pass: async () => {}, close: async () => {} }

beforeAll(async () => {
  server = await startPostgres({ settings: { autovacuum: 'off' } })
  backend = postgres(server.url, { connections: 1, timeout: '60s' })
  await backend.open()
}, 60_000)
afterAll(async () => {
  await backend.close()
  await server.stop()
})

describe('plans', () => {
  test('of settles that were made for few jobs are good for many', async () => {
    const worker = new Subject(backend, harness)
    const exchange = async (held: readonly Parameters<Subject['ref']>[0][], limit: number) => {
      const settlements = held.map((job) => ({ ref: worker.ref(job), outcome: DONE }))
      return (await backend.exchange(settlements, worker.request({ limit }))).claimed.jobs
    }
    await worker.add(...Array.from({ length: 20 }, () => ({})))
    // By now each statement has a plan that stays.
    for (let n = 0, held = await worker.take({ limit: 1 }); n < 10; n++) held = await exchange(held, 1)
    for (let n = 0; n < 16; n++) await worker.add(...Array.from({ length: 1000 }, () => ({})))
    let held = await worker.take({ limit: 500 })
    let fastestMs = Infinity
    for (let n = 0; n < 4; n++) {
      const before = performance.now()
      held = await exchange(held, 1000)
      fastestMs = Math.min(fastestMs, performance.now() - before)
    }
    // Some 20 ms, if not each time on a busy machine; as a join of all with all it takes seconds, each time.
    expect(fastestMs).toBeLessThan(600)
  })
})

describe('adds', () => {
  test('that come at once share a few statements, and each gets its own answers', async () => {
    const calls = new Set<string>()
    const pool = new pg.Pool({ connectionString: server.url })
    let statements = 0
    const counted = postgres({
      connect: () => pool.connect(),
      query: (query) => {
        if (query.text.includes('.enqueue(')) statements++
        return pool.query(query)
      },
    })
    await counted.open()
    const worker = new Subject(counted, harness)
    await worker.addOne({})
    statements = 0
    const same = randomUUID()
    const ids = Array.from({ length: 50 }, (_, n) => (n === 10 || n === 40 ? same : randomUUID()))
    const answers = await Promise.all(ids.map((id) => worker.enqueue([newJob({ id }), newJob({})])))
    for (const [n, answer] of answers.entries()) {
      expect(answer.map(({ status }) => status)).toEqual([n === 40 ? 'duplicate' : 'added', 'added'])
      expect(answer[0]!.id).toBe(ids[n])
      for (const { id } of answer) calls.add(id)
    }
    expect(calls.size).toBe(99)
    expect(statements).toBeLessThanOrEqual(4)
    expect((await counted.stats(worker.queue))[0]!.counts.waiting).toBe(100)
    await counted.close()
    await pool.end()
  })

  test('of many find ids that are known, from before, in the same batch and in others at the same time', async () => {
    const apart = postgres(server.url, { connections: 2 })
    await apart.open()
    const worker = new Subject(apart, harness)
    const ids = Array.from({ length: 300 }, () => randomUUID())
    const [before] = await worker.enqueue([newJob({ id: ids[7]! })])
    const batch = [...ids, ids[100]!].map((id) => newJob({ id }))
    const first = await worker.enqueue(batch)
    const statuses = first.map(({ status }) => status)
    expect(statuses[7]).toBe('duplicate')
    expect(statuses[300]).toBe('duplicate')
    expect(statuses.filter((status) => status === 'added')).toHaveLength(299)
    expect(first[7]).toEqual({ ...before, status: 'duplicate' })
    expect(first[300]).toEqual({ ...first[100], status: 'duplicate' })
    const others = Array.from({ length: 100 }, () => newJob({}))
    const other = new Subject(apart, harness)
    const twice = await Promise.all([other.enqueue(others), other.enqueue(others), other.enqueue(others)])
    for (const [n] of others.entries()) {
      const answers = twice.map((each) => each[n]!)
      expect(answers.filter(({ status }) => status === 'added')).toHaveLength(1)
      expect(new Set(answers.map((answer) => 'seq' in answer && answer.seq)).size).toBe(1)
    }
    expect((await apart.stats(worker.queue))[0]!.counts.waiting).toBe(300)
    expect((await apart.stats(other.queue))[0]!.counts.waiting).toBe(100)
    await apart.close()
  })

  test('that a server refuses for one of them are tried apart', async () => {
    const worker = new Subject(backend, harness)
    await worker.addOne({})
    const client = new pg.Client(server.url)
    await client.connect()
    try {
      await client.query(`CREATE FUNCTION millhand.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = '23514'; END $$`)
      await client.query(`CREATE TRIGGER refuse BEFORE INSERT ON millhand.job FOR EACH ROW
        WHEN (new.payload = '"bad"') EXECUTE FUNCTION millhand.refuse()`)
      const payloads = ['"1"', '"2"', '"3"', '"bad"', '"5"']
      const answers = await Promise.allSettled(
        payloads.map((payload) => worker.enqueue([newJob({ payload })])),
      )
      expect(answers.map(({ status }) => status)).toEqual(
        payloads.map((payload) => (payload === '"bad"' ? 'rejected' : 'fulfilled')),
      )
      expect((await backend.stats(worker.queue))[0]!.counts.waiting).toBe(5)
    } finally {
      await client.query('DROP TRIGGER IF EXISTS refuse ON millhand.job')
      await client.end()
    }
  })
})

describe('claims', () => {
  test('that meet the first job of a type as it is added are answered as a whole', async () => {
    const apart = postgres(server.url, { connections: 2 })
    await apart.open()
    const worker = new Subject(apart, harness)
    await worker.addOne({ type: 'early' })
    const client = new pg.Client(server.url)
    await client.connect()
    const key = `${lockSpace('millhand')}, (SELECT queue_id FROM millhand.queue WHERE name = '${worker.queue}')`
    try {
      await client.query(`SELECT pg_advisory_lock(${key})`)
      const claim = worker.claim({ types: ['early', 'late'], limit: 10 })
      await vi.waitFor(async () => {
        const { rows } = await client.query(
          `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
        )
        expect(rows).toHaveLength(1)
      }, 10_000)
      await worker.addOne({ type: 'late' })
      await client.query(`SELECT pg_advisory_unlock(${key})`)
      const { jobs } = await claim
      expect(jobs.map(({ type }) => type)).toEqual(['early'])
      const later = await worker.claim({ types: ['early', 'late'], limit: 10 })
      expect(later.jobs.map(({ type }) => type)).toEqual(['late'])
    } finally {
      await client.end()
      await apart.close()
    }
  })
})
