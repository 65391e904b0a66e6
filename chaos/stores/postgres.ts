import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../test/servers/postgres.ts'
import type { StoreUnderTest } from '../case.ts'

/** How many rows of a table an idle transaction has locked. */
const LOCKED_ROWS = 20

/** A Postgres as it comes: it waits for the disk at each commit. */
export const postgresStore: StoreUnderTest = {
  name: 'postgres',
  isServer: true,
  async open(folder) {
    const server = await startPostgres({ durable: true })
    return {
      url: server.url,
      server: {
        port: server.port,
        urlAt: (port) => server.url.replace(`:${server.port}/`, `:${port}/`),
        // Its fast shutdown, as service managers ask for: SIGTERM waits until the last client has left.
        end: (signal) => server.kill(signal === 'SIGTERM' ? 'SIGINT' : signal),
        start: () => server.start(),
        async cutConnections(each) {
          const client = await connected(server.url)
          const { rows } = await client.query<{ pid: number }>(
            `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
          )
          const hit = rows.filter(each)
          for (const { pid } of hit) await client.query('SELECT pg_terminate_backend($1)', [pid])
          await client.end()
          return hit.length
        },
        async holdTransaction() {
          const client = await connected(server.url)
          await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
          const { rows } = await client.query<{ name: string }>(
            `SELECT format('%I.%I', schemaname, relname) AS name FROM pg_stat_user_tables
              WHERE schemaname = 'millhand' ORDER BY n_live_tup DESC LIMIT 3`,
          )
          for (const { name } of rows) {
            await client.query(`SELECT 1 FROM ${name} LIMIT ${LOCKED_ROWS} FOR UPDATE SKIP LOCKED`)
          }
          return async () => {
            await client.query('ROLLBACK')
            await client.end()
          }
        },
      },
      async close() {
        writeFileSync(join(folder, 'server.log'), server.log)
        await server.stop()
      },
    }
  },
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  // The server may go while it is idle.
  client.on('error', () => {})
  await client.connect()
  return client
}
