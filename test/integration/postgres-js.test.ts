/** A transaction of postgres.js as the caller's own. */
import postgresJs, { type Sql } from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { DONE, newJob, Subject } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: PrivateServer
let backend: Backend
let sql: Sql
const harness = { open: () => Promise.reject(new Error('no')), pass: async () => {}, close: async () => {} }

beforeAll(async () => {
  server = await startPostgres()
  backend = postgres(server.url)
  await backend.open()
  sql = postgresJs(server.url, { max: 2, onnotice: () => {} })
  await sql`CREATE TABLE users (name text)`
}, 60_000)
afterAll(async () => {
  await sql.end()
  await backend.close()
  await server.stop()
})

const awkward = {
  payload: JSON.stringify({ text: 'a "quoted" \\ back, {brace} , NULL \u0000 é' }),
  tags: ['a,b', '"', '\\'],
  headers: { trace: '{"x":1}' },
  delayMs: 0,
}

test('jobs are there after its commit, and never after a rollback', async () => {
  const s = new Subject(backend, harness)
  const add = (transaction: unknown, ...jobs: ReturnType<typeof newJob>[]) =>
    backend.enqueue({ queue: s.queue, jobs, maxLength: null }, transaction)
  await sql.begin(async (tx) => {
    await tx`INSERT INTO users VALUES ('ada')`
    const answers = await add(
      tx,
      newJob(awkward),
      newJob({ delayMs: 60_000, priority: 7 }),
      newJob({ payload: Buffer.from([0, 255, 1]) }),
    )
    expect(answers.map(({ status }) => status)).toEqual(['added', 'added', 'added'])
    expect(await s.take()).toEqual([])
  })
  await expect(
    sql.begin(async (tx) => {
      await tx`INSERT INTO users VALUES ('bob')`
      await add(tx, newJob({}))
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  const [first, second, ...rest] = await s.take()
  expect(first).toMatchObject({ payload: awkward.payload, tags: awkward.tags, headers: awkward.headers })
  expect(second!.payload).toEqual(new Uint8Array([0, 255, 1]))
  expect(rest).toEqual([])
  expect((await backend.stats(s.queue))[0]!.counts).toMatchObject({ active: 2, delayed: 1 })
  expect((await sql`SELECT name FROM users`).map(({ name }) => String(name))).toEqual(['ada'])
})

test('a job is settled with what its handler wrote, or not at all', async () => {
  const s = new Subject(backend, harness)
  const retried = await s.held({ tags: ['x'] })
  const job = await s.held()
  const again = {
    kind: 'retry',
    again: { delayMs: 60_000 },
    error: { name: 'E', message: '{"', code: null, stack: null },
  } as const
  const settle = (transaction: unknown) =>
    backend.settle(
      [
        { ref: s.ref(job), outcome: DONE },
        { ref: s.ref(retried), outcome: again },
      ],
      transaction,
    )
  await expect(
    sql.begin(async (tx) => {
      expect((await settle(tx)).map(({ status }) => status)).toEqual(['ok', 'ok'])
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(await backend.get(s.queue, job.id)).toMatchObject({ state: 'active' })
  await sql.begin((tx) => settle(tx))
  expect(await backend.get(s.queue, job.id)).toBeUndefined()
  expect(await backend.get(s.queue, retried.id)).toMatchObject({ state: 'delayed', error: { message: '{"' } })
})

test('outside of sql.begin, and of another database, it is refused', async () => {
  const s = new Subject(backend, harness)
  const add = (transaction: unknown) =>
    backend.enqueue({ queue: s.queue, jobs: [newJob({})], maxLength: null }, transaction)
  await expect(add(sql)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('in none'),
  })
  await sql`CREATE DATABASE elsewhere`
  const url = new URL(server.url)
  url.pathname = '/elsewhere'
  const other = postgresJs(url.href, { max: 1 })
  const own = postgres(url.href)
  await own.open()
  await expect(other.begin((tx) => add(tx))).rejects.toMatchObject({
    message: expect.stringContaining('another database'),
  })
  await own.close()
  await other.end()
})
