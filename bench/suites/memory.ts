import type { Suite } from '../case.ts'
import { FIRST_TENTH, heapGrowth } from '../loads/heap.ts'
import { processAll } from '../loads/process.ts'
import { inMemory } from '../loads/store.ts'
import * as fastq from '../peers/fastq.ts'
import * as pQueue from '../peers/p-queue.ts'

/** Queues inside one process. The peers are the floor: they keep functions in an array and call them. */
export const suite: Suite = {
  name: 'memory',
  cases: [
    {
      name: 'process',
      about:
        'No-op jobs at concurrency 100, all added before the clock starts. Millhand validates, leases, reports and settles each; the peers call a function.',
      unit: 'jobs/s',
      better: 'higher',
      jobs: { full: 500_000, quick: 100_000, 'warm-up': 50_000 },
      millhand: processAll(inMemory),
      peers: { fastq: fastq.processAll, 'p-queue': pQueue.processAll },
    },
    {
      name: 'heap-growth',
      about:
        'By how much the heap after a collection grows while jobs pass through, over what it was after the first tenth of them.',
      unit: 'MiB',
      better: 'lower',
      jobs: { full: 1_000_000, quick: 200_000, 'warm-up': 0 },
      rounds: 3,
      millhand: heapGrowth(inMemory),
      peers: {},
      yardstick: FIRST_TENTH,
    },
  ],
}
