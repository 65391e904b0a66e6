/** What makes the store fast stays so: no statement walks through what it does not want. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqlite } from '../../../src/backends/sqlite/index.ts'
import { newJob } from '../../../src/conformance/subject.ts'
import type { Backend, ClaimRequest } from '../../../src/queue/backend.ts'

let client: DatabaseSync
let backend: Backend
/** Every statement that the store has prepared. */
let prepared: string[] = []

beforeEach(async () => {
  client = new DatabaseSync(':memory:')
  prepared = []
  const spy = {
    exec: (sql: string) => client.exec(sql),
    prepare: (sql: string): StatementSync => {
      prepared.push(sql)
      return client.prepare(sql)
    },
    close: () => client.close(),
  }
  backend = sqlite(spy)
  await backend.open()
})

afterEach(async () => {
  await backend.close()
  client.close()
})

function claim(over: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    queue: 'q',
    types: ['mail', 'fax'],
    owner: 'ann',
    token: 'ann:1',
    limit: 10,
    maxBytes: 1e6,
    start: 0,
    leaseMs: 1000,
    renewForMs: null,
    suspects: 'none',
    ...over,
  }
}

test('every statement of the way of a job goes by an index, without sorting', async () => {
  const policy = { maxCrashes: 3, keepDeadMs: null }
  await backend.enqueue({
    queue: 'q',
    jobs: [newJob(), newJob({ delayMs: 1 }), newJob({ type: 'fax', expireMs: 1 })],
    maxLength: null,
  })
  const { jobs } = await backend.claim(claim())
  await backend.claim(claim({ types: ['mail'], token: 'ann:2', suspects: 'only' }))
  const [job] = jobs
  const ref = { queue: 'q', id: job!.id, seq: job!.seq, token: job!.token }
  await backend.start([ref])
  await backend.renew('ann', 1000)
  await backend.exchange(
    [{ ref, outcome: { kind: 'done', result: null, keepMs: 1 } }],
    claim({ token: 'ann:3', types: ['mail'] }),
  )
  const upkeep = { queue: 'q', types: ['mail'], leaseMs: 1000, unhandledGraceMs: 1000, limit: 100 }
  await backend.maintain({ ...upkeep, ...policy })
  await backend.releaseOwner('ann', policy)

  const walks = prepared
    .filter((sql) => /^\s*(SELECT|UPDATE|DELETE|INSERT)/.test(sql) && /\bjob\b/.test(sql))
    .flatMap((sql) => {
      const plan = client.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      const steps = plan.all(...Array<null>(sql.split('?').length - 1).fill(null)) as { detail: string }[]
      return steps.map(({ detail }) => ({ sql: sql.replaceAll(/\s+/g, ' ').trim(), detail }))
    })
    .filter(({ detail }) => /SCAN job\b|TEMP B-TREE FOR ORDER/.test(detail))
    // Partial indexes of what is rare: the suspects, and the active.
    .filter(({ detail }) => !/USING (COVERING )?INDEX job_(suspect|active)/.test(detail))
    // The jobs of one owner, of one claim, or that ran out: few, and in the order of their enqueue.
    .filter(({ sql }) => !/WHERE token/.test(sql))
  expect(walks).toEqual([])
})

test('a claim with nothing to take writes nothing', async () => {
  await backend.enqueue({ queue: 'q', jobs: [newJob({ delayMs: 60_000 })], maxLength: null })
  await backend.enqueue({ queue: 'other', jobs: [newJob()], maxLength: null })
  const changes = (): unknown => client.prepare('SELECT total_changes() AS n').get()
  const before = changes()
  expect((await backend.claim(claim())).jobs).toEqual([])
  await backend.exchange([], claim({ token: 'ann:2' }))
  expect(await backend.renew('ann', 1000)).toEqual([])
  expect(changes()).toEqual(before)
})

test('other events have their turn while many jobs are added', async () => {
  let turns = 0
  const jobs = Array.from({ length: 20_000 }, () => newJob())
  const ticking = setInterval(() => turns++, 0)
  await backend.enqueue({ queue: 'q', jobs, maxLength: null })
  clearInterval(ticking)
  expect(turns).toBeGreaterThanOrEqual(10)
})
