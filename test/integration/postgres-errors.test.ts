/** What a Postgres server may answer instead of doing what it was asked. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Connections } from '../../src/backends/postgres/connections.ts'
import { postgres } from '../../src/backends/postgres/index.ts'
import { DONE, newJob, Subject } from '../../src/conformance/subject.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: PrivateServer
let backend: Backend
let admin: pg.Client
const harness = { open: () => Promise.reject(new Error('no')), pass: async () => {}, close: async () => {} }

beforeAll(async () => {
  server = await startPostgres()
  backend = postgres(server.url)
  await backend.open()
  admin = new pg.Client(server.url)
  await admin.connect()
}, 60_000)
afterAll(async () => {
  await admin.end()
  await backend.close()
  await server.stop()
})

/** From now on the server answers the first `times` inserts and deletes of jobs so. */
async function refuse(code: string, times: number): Promise<() => Promise<unknown>> {
  await admin.query('CREATE SEQUENCE millhand.refusals')
  await admin.query(`CREATE FUNCTION millhand.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF nextval('millhand.refusals') <= ${times} THEN RAISE EXCEPTION 'as asked' USING ERRCODE = '${code}'; END IF; RETURN NULL; END $$`)
  await admin.query(
    'CREATE TRIGGER refuse BEFORE INSERT OR DELETE ON millhand.job FOR EACH STATEMENT EXECUTE FUNCTION millhand.refuse()',
  )
  return async () => {
    await admin.query('DROP TRIGGER refuse ON millhand.job')
    await admin.query('DROP FUNCTION millhand.refuse()')
    await admin.query('DROP SEQUENCE millhand.refusals')
  }
}

test('a deadlock is no error: what lost it is done again', async () => {
  const s = new Subject(backend, harness)
  await s.addOne()
  const over = await refuse('40P01', 2)
  try {
    await s.addOne()
    const [first, second] = await s.take()
    await admin.query(`SELECT setval('millhand.refusals', 1)`)
    const { settled } = await backend.exchange([{ ref: s.ref(first!), outcome: DONE }], s.request())
    expect(settled).toMatchObject([{ status: 'ok' }])
    await s.settled(second!, DONE)
  } finally {
    await over()
  }
})

test('a full disk refuses what is new, says so, and takes it when there is space', async () => {
  const s = new Subject(backend, harness)
  await s.addOne()
  const held = await s.takeOne()
  const job = newJob()
  const over = await refuse('53100', 1_000_000)
  try {
    const full = { code: 'BACKEND_UNAVAILABLE', retryable: true, message: expect.stringContaining('is full') }
    await expect(s.enqueue([job])).rejects.toMatchObject(full)
    await expect(s.settle(held, DONE)).rejects.toMatchObject(full)
  } finally {
    await over()
  }
  expect(await s.enqueue([job])).toMatchObject([{ status: 'added' }])
  await s.settled(held, DONE)
})

test('a server that became read-only is tried again on new connections', async () => {
  const s = new Subject(backend, harness)
  await s.addOne()
  const job = newJob()
  await admin.query('ALTER DATABASE postgres SET default_transaction_read_only = on')
  try {
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'millhand'`,
    )
    const refusals: unknown[] = []
    while (!String(refusals.at(-1)).includes('read-only')) {
      await s.enqueue([job]).catch((error: unknown) => refusals.push(error))
      expect(refusals.at(-1)).toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
      expect(refusals.length).toBeLessThan(50)
    }
  } finally {
    await admin.query('SET default_transaction_read_only = off')
    await admin.query('ALTER DATABASE postgres RESET default_transaction_read_only')
  }
  // Whoever was told to be read-only stays so: this works because the connection is another.
  expect(await s.enqueue([job])).toMatchObject([{ status: 'added' }])
})

test('a client that vanished is given up by the server after seconds', async () => {
  const connections = new Connections({ source: server.url, connections: 1, deadlineMs: 5_000 })
  await connections.open()
  const { rows } = (await connections.withPool((pool) =>
    pool.query({
      text: `SELECT current_setting('tcp_user_timeout'), current_setting('tcp_keepalives_idle')`,
      rowMode: 'array',
    }),
  )) as { rows: unknown[][] }
  expect(rows).toEqual([['15000', '10']])
  await connections.close()
})
