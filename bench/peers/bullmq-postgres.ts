/** BullMQ on Postgres, its second backend. */
import { createPostgresBackend, withBackend } from 'bullmq'
import type { Payload } from '../payload.ts'
import { withClient } from '../servers/postgres.ts'
import { bullmq, type OpenBackend } from './bullmq.ts'

const on = withBackend(createPostgresBackend)

const open: OpenBackend = async (url, connections = 20) => {
  const connection = { connectionString: url, max: connections }
  // Makes the schema; the others find it.
  const first = new on.Queue('first', { connection: { ...connection, migrate: true } })
  await first.waitUntilReady()
  await first.close()
  return {
    queue: (name) => new on.Queue<Payload, void>(name, { connection }),
    worker: (name, handler, options) => new on.Worker(name, handler, { ...options, connection }),
    // `getJobs` would send a query for each of them.
    waiting: () =>
      withClient(url, async (client) => {
        const { rows } = await client.query<{ n: number }>(
          `select (data->>'n')::int as n from bullmq.job where state = 'waiting'`,
        )
        return rows.map(({ n }) => n)
      }),
  }
}

export const { processAll, enqueueBulk, enqueueSingle, latency, fill, startInstance } = bullmq(open)
