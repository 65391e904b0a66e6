import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { conformanceCases, type Harness, runnable } from '../../src/conformance/index.ts'
import type { Backend } from '../../src/queue/backend.ts'
import { startPostgres } from '../servers/postgres.ts'

let server: Awaited<ReturnType<typeof startPostgres>>
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(() => server.stop())

/** All cases share one schema: each has queues of its own. Time is the server's, and is waited for. */
async function harness(open: () => { backend: Backend; end: () => Promise<void> }): Promise<Harness> {
  const opened: (() => Promise<void>)[] = []
  return {
    async open() {
      const { backend, end } = open()
      opened.push(async () => {
        await backend.close()
        await end()
      })
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
  const open = (): Promise<Harness> =>
    harness(() => ({ backend: postgres(server.url), end: async () => {} }))
  for (const { title, run } of runnable(conformanceCases, open)) {
    test(title, { timeout: 30_000 }, ({ skip }) => run(skip))
  }
})

describe.concurrent('a server, through a pool of the caller', () => {
  const open = (): Promise<Harness> =>
    harness(() => {
      const pool = new pg.Pool({ connectionString: server.url, max: 4 })
      return { backend: postgres(pool, { schema: 'other "jobs"' }), end: () => pool.end() }
    })
  for (const { title, run } of runnable(conformanceCases, open)) {
    test(title, { timeout: 30_000 }, ({ skip }) => run(skip))
  }
})
