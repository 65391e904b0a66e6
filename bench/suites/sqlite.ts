import type { Suite } from '../case.ts'
import { withBacklog } from '../loads/backlog.ts'
import { enqueueBulk } from '../loads/enqueue.ts'
import { FIRST_TENTH, heapGrowth } from '../loads/heap.ts'
import { latency } from '../loads/latency.ts'
import { processAll } from '../loads/process.ts'
import { inSqlite } from '../loads/store.ts'
import * as plainjob from '../peers/plainjob.ts'

const normal = inSqlite('normal')
const full = inSqlite('full')

/** Queues in a SQLite file. Durability is what plainjob sets, `normal`, where a case does not say otherwise. */
export const suite: Suite = {
  name: 'sqlite',
  cases: [
    {
      name: 'process',
      about:
        'No-op jobs at concurrency 100, added before, from the start of the worker to the last settle; durability normal on both sides.',
      unit: 'jobs/s',
      better: 'higher',
      jobs: { full: 100_000, quick: 15_000, 'warm-up': 5_000 },
      millhand: processAll(normal),
      peers: { plainjob: plainjob.processAll },
    },
    {
      name: 'process-full',
      about: 'The same with durability full: each batch of settled jobs has reached the disk.',
      unit: 'jobs/s',
      better: 'higher',
      jobs: { full: 100_000, quick: 30_000, 'warm-up': 5_000 },
      millhand: processAll(full),
      peers: { 'durability normal': processAll(normal) },
    },
    {
      name: 'enqueue-bulk',
      about: 'Jobs of 100 bytes in bulk adds of 1,000; Millhand validates each.',
      unit: 'jobs/s',
      better: 'higher',
      jobs: { full: 200_000, quick: 50_000, 'warm-up': 20_000 },
      millhand: enqueueBulk(normal),
      peers: { plainjob: plainjob.enqueueBulk },
    },
    {
      name: 'backlog-growth',
      about:
        'Jobs processed while 1,000,000 others (200,000 in a quick run) wait behind them, against 10,000 others.',
      unit: 'jobs/s',
      better: 'higher',
      jobs: { full: 100_000, quick: 30_000, 'warm-up': 10_000 },
      millhand: withBacklog(normal, { full: 1_000_000, quick: 200_000, 'warm-up': 10_000 }),
      peers: {
        '10,000 waiting': withBacklog(normal, { full: 10_000, quick: 10_000, 'warm-up': 10_000 }),
      },
    },
    {
      name: 'latency-p99',
      about:
        'From the time at which a job is due to be added until its handler starts, at 1,000/s on a fixed schedule, adder and worker in one process; 99th percentile of what comes after the first second; durability normal.',
      unit: 'ms',
      better: 'lower',
      jobs: { full: 5_000, quick: 1_000, 'warm-up': 1_000 },
      millhand: latency(normal),
      peers: { plainjob: plainjob.latency('normal') },
    },
    {
      name: 'latency-p99-full',
      about: 'The same with durability full on both sides: a job is on the disk before it starts.',
      unit: 'ms',
      better: 'lower',
      jobs: { full: 5_000, quick: 1_000, 'warm-up': 1_000 },
      millhand: latency(full),
      peers: { plainjob: plainjob.latency('full') },
    },
    {
      name: 'heap-growth',
      about:
        'By how much the heap after a collection grows while jobs pass through, over what it was after the first tenth of them.',
      unit: 'MiB',
      better: 'lower',
      jobs: { full: 1_000_000, quick: 100_000, 'warm-up': 0 },
      rounds: 3,
      millhand: heapGrowth(normal),
      peers: {},
      yardstick: FIRST_TENTH,
    },
  ],
}
