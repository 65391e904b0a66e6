import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { conformanceCases, type Harness, runnable } from '../../src/conformance/index.ts'
import type { Backend } from '../../src/queue/backend.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: Awaited<ReturnType<typeof startPostgres>>
let pool: pg.Pool
beforeAll(async () => {
  server = await startPostgres()
  pool = new pg.Pool({ connectionString: server.url, max: 20 })
  pool.on('error', () => {})
}, 60_000)
afterAll(async () => {
  await pool.end()
  await server.stop()
})

/** All cases share one schema: each has queues of its own. Time is the server's, and is waited for. */
async function harness(make: () => Backend): Promise<Harness> {
  const opened: (() => Promise<void>)[] = []
  return {
    async open() {
      const backend = make()
      opened.push(() => backend.close())
      await backend.open()
      return backend
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async transaction() {
      const client = new pg.Client(server.url)
      await client.connect()
      await client.query('BEGIN')
      let ended = false
      const end = async (how: string): Promise<void> => {
        if (ended) return
        ended = true
        await client.query(how)
      }
      opened.push(() => client.end())
      return { client, commit: () => end('COMMIT'), rollBack: () => end('ROLLBACK') }
    },
    async close() {
      for (const end of opened.toReversed()) await end()
    },
  }
}

describe.concurrent('a server, by its URL', () => {
  // One connection does for all: no operation holds one while it needs another.
  const open = (): Promise<Harness> => harness(() => postgres(server.url, { connections: 1 }))
  for (const { title, run } of runnable(conformanceCases, open)) {
    test(title, { timeout: 30_000 }, ({ skip }) => run(skip))
  }
})

describe.concurrent('a server, through a pool of the caller', () => {
  const open = (): Promise<Harness> => harness(() => postgres(pool, { schema: 'other "jobs"' }))
  for (const { title, run } of runnable(conformanceCases, open)) {
    test(title, { timeout: 30_000 }, ({ skip }) => run(skip))
  }
})
