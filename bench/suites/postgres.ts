import type { Suite } from '../case.ts'
import { passThrough } from '../loads/held-snapshot.ts'
import { inPostgres } from '../loads/store.ts'
import { isPostgresNotification } from '../loads/wake-up-filter.ts'
import { countStatements, statementCount, tableBytes } from '../servers/postgres.ts'
import { serverCases } from './server-cases.ts'

/** Queues in Postgres, whose commits reach the disk. */
export const suite: Suite = {
  name: 'postgres',
  server: 'postgres',
  cases: [
    {
      name: 'held-snapshot',
      about:
        '1,000,000 jobs (10,000 in a quick run) pass through, added while others run, beside a transaction that holds a snapshot from before; against the same without it.',
      unit: 'jobs/s',
      better: 'higher',
      jobs: { full: 1_000_000, quick: 10_000, 'warm-up': 1_000 },
      rounds: 3,
      millhand: passThrough(inPostgres, { held: true }),
      peers: { 'without a snapshot': passThrough(inPostgres, { held: false }) },
    },
    ...serverCases({
      open: inPostgres,
      peers: {
        BullMQ: { load: () => import('../peers/bullmq-postgres.ts'), oneIn: 20 },
        'graphile-worker': { load: () => import('../peers/graphile-worker.ts') },
        'pg-boss': { load: () => import('../peers/pg-boss.ts') },
      },
      rounds: 3,
      quickOneIn: 20,
      quickly: { all: ['graphile-worker', 'pg-boss'], idle: ['graphile-worker'] },
      jobs: {
        process100: 200_000,
        process1: 100_000,
        unbuffered: 6_000,
        bulk: 400_000,
        single: 4_000,
        fiveMs: 20_000,
        backlog: 100_000,
      },
      counter: { begin: countStatements, count: statementCount },
      calls:
        'Statements that clients send in a second, while workers of 10 queues in 7 instances have nothing to do. No poll is rarer than one in 5 s on any side.',
      isWakeUp: isPostgresNotification,
      bytesOf: tableBytes,
      bytes:
        'Bytes of tables and indexes that a waiting job with a payload of 100 bytes takes, of 100,000, without a vacuum.',
      sizes: ['graphile-worker'],
    }),
  ],
}
