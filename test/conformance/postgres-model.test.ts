/** Random lives of a Postgres store, whose clocks are set by the test. */
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.ts'
import { FakeClock } from '../../src/core/clock.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startPostgres } from '../servers/postgres.ts'
import { lives, liveThrough, MAX_PAYLOAD_BYTES } from './random-life.ts'

let server: PrivateServer
let pool: pg.Pool
beforeAll(async () => {
  server = await startPostgres()
  pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => {})
  const backend = open()
  await backend.open()
  await backend.close()
  await pool.query('CREATE TABLE clock (wall bigint, lease bigint)')
  for (const [name, column] of [
    ['now_ms', 'wall'],
    ['lease_now_ms', 'lease'],
  ]) {
    await pool.query(
      `CREATE OR REPLACE FUNCTION millhand.${name}() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT ${column} FROM public.clock'`,
    )
  }
}, 60_000)
afterAll(async () => {
  await pool.end()
  await server.stop()
})

const open = (): Backend => postgres(pool, { maxPayloadBytes: MAX_PAYLOAD_BYTES, listen: false })

test(
  'Postgres answers and holds what the memory store does, whatever happens',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (steps) => {
        await pool.query(
          'TRUNCATE millhand.queue, millhand.line, millhand.job_type, millhand.job, millhand.tally, millhand.grant_, millhand.schedule, clock',
        )
        await pool.query('INSERT INTO clock VALUES (0, 0)')
        const clock = new FakeClock()
        const moved = async (): Promise<void> => {
          await pool.query('UPDATE clock SET wall = $1, lease = $2', [clock.wall(), clock.monotonic()])
        }
        await moved()
        const opened: Backend[] = []
        const another = async (): Promise<Backend> => {
          const backend = open()
          opened.push(backend)
          await backend.open()
          return backend
        }
        try {
          await liveThrough(steps, { clock, moved }, await another(), async (old) => {
            await old.close()
            return another()
          })
        } finally {
          for (const backend of opened) await backend.close()
        }
      }),
      { numRuns: Number(process.env['MILLHAND_MODEL_RUNS'] ?? 40) },
    )
  },
)
