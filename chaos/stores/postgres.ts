import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../test/servers/postgres.ts'
import type { StoreUnderTest } from '../case.ts'

/** How many jobs an idle transaction has locked. */
const LOCKED_ROWS = 20

/** A Postgres as it comes: it waits for the disk at each commit. */
export const postgresStore: StoreUnderTest = {
  name: 'postgres',
  isServer: true,
  needs: ['postgresql'],
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
          // Two, since one that keeps its snapshot cannot lock what was changed after it.
          const [reader, locker] = [await connected(server.url), await connected(server.url)]
          await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
          await reader.query('SELECT 1')
          await locker.query('BEGIN')
          await locker.query(`SELECT 1 FROM millhand.job LIMIT ${LOCKED_ROWS} FOR UPDATE SKIP LOCKED`)
          return async () => {
            for (const client of [reader, locker]) {
              await client.query('ROLLBACK')
              await client.end()
            }
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
