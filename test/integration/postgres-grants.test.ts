/** Settlements of one worker that meet at the same claims, as they do when outcomes overtake a late answer. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { DONE, Subject } from '../../src/conformance/subject.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startPostgres } from '../servers/postgres.ts'

const CLAIM = 200
/** As often as it takes to meet: without an order of locks, ten rounds have dozens of deadlocks. */
const ROUNDS = 10

let server: PrivateServer
beforeAll(async () => {
  server = await startPostgres({ settings: { deadlock_timeout: '50ms' } })
}, 60_000)
afterAll(() => server.stop())

test('never lock each other out, and leave no grant behind', async () => {
  const backend = postgres(server.url, { connections: 10 })
  await backend.open()
  const harness = { open: () => Promise.reject(new Error('no')), pass: async () => {}, close: async () => {} }
  const s = new Subject(backend, harness, 'grants')
  for (let round = 0; round < ROUNDS; round++) {
    await s.add(...Array.from({ length: 2 * CLAIM }, () => ({})))
    const one = await s.take({ limit: CLAIM })
    const other = await s.take({ limit: CLAIM })
    expect([one.length, other.length]).toEqual([CLAIM, CLAIM])
    // Each settles jobs of both claims, in one order and the other.
    const pairs = one.map((job, n) => (n % 2 === 0 ? [job, other[n]!] : [other[n]!, job]))
    const settled = await Promise.all(
      pairs.map((jobs) => backend.settle(jobs.map((job) => ({ ref: s.ref(job), outcome: DONE })))),
    )
    expect(new Set(settled.flat().map(({ status }) => status))).toEqual(new Set(['ok']))
  }
  // What a connection has counted is told when it ends.
  await backend.close()
  const client = new pg.Client(server.url)
  await client.connect()
  const { rows } = await client.query(
    `SELECT deadlocks::int, (SELECT count(*)::int FROM millhand.grant_) AS grants
     FROM pg_stat_database WHERE datname = current_database()`,
  )
  await client.end()
  expect(rows).toEqual([{ deadlocks: 0, grants: 0 }])
})
