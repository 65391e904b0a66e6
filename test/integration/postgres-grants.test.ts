/** What meets at the same claims of one worker: settlements, when outcomes overtake a late answer, renewals and starts. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { DONE, Subject } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { ClaimedJob } from '../../src/queue/job.ts'
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

/** How often two waited for each other, and how many grants are left. To be asked when the backend is closed. */
async function found(): Promise<unknown> {
  // What a connection has counted is told when it ends.
  const client = new pg.Client(server.url)
  await client.connect()
  const { rows } = await client.query(
    `SELECT deadlocks::int, (SELECT count(*)::int FROM millhand.grant_) AS grants
     FROM pg_stat_database WHERE datname = current_database()`,
  )
  await client.end()
  return rows[0]
}

function subject(backend: Backend, queue: string): Subject {
  const harness = { open: () => Promise.reject(new Error('no')), pass: async () => {}, close: async () => {} }
  return new Subject(backend, harness, queue)
}

test('settlements never lock each other out, and leave no grant behind', async () => {
  const backend = postgres(server.url, { connections: 10 })
  await backend.open()
  const s = subject(backend, 'grants')
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
  await backend.close()
  expect(await found()).toEqual({ deadlocks: 0, grants: 0 })
})

test('nor do renewals and starts beside them', async () => {
  const backend = postgres(server.url, { connections: 10 })
  await backend.open()
  const s = subject(backend, 'renewed')
  for (let round = 0; round < ROUNDS; round++) {
    await s.add(...Array.from({ length: 20 * 12 }, () => ({})))
    // More than nine, so that their tokens are in another order than they.
    const claims: (readonly ClaimedJob[])[] = []
    for (let claim = 0; claim < 12; claim++) claims.push(await s.take({ limit: 20 }))
    const across = (n: number) => claims.map((jobs) => jobs[n]!)
    const started = Array.from({ length: 8 }, (_, n) =>
      backend.start(
        across(n)
          .toReversed()
          .map((job) => s.ref(job)),
      ),
    )
    const settled = Array.from({ length: 12 }, (_, n) =>
      backend.settle(across(n + 8).map((job) => ({ ref: s.ref(job), outcome: DONE }))),
    )
    const renewed = Array.from({ length: 12 }, () => backend.renew(s.owner, 30_000))
    expect(new Set((await Promise.all(started)).flat())).toEqual(new Set(['started']))
    expect(new Set((await Promise.all(settled)).flat().map(({ status }) => status))).toEqual(new Set(['ok']))
    const rest = claims.flatMap((jobs) => jobs.slice(0, 8))
    // A renewal that had to wait misses none that is still held: its worker would give it up.
    for (const held of await Promise.all(renewed)) {
      const ids = new Set(held.map(({ id }) => id))
      expect(rest.filter(({ id }) => !ids.has(id))).toEqual([])
    }
    await backend.settle(rest.map((job) => ({ ref: s.ref(job), outcome: DONE })))
  }
  await backend.close()
  expect(await found()).toEqual({ deadlocks: 0, grants: 0 })
})
