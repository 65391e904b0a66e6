import type { Case, Suite } from '../case.ts'
import { crashes, HEAP_BEFORE } from '../loads/pool/crashes.ts'
import { inFlight } from '../loads/pool/in-flight.ts'
import { millhand } from '../loads/pool/millhand.ts'
import { handled } from '../loads/pool/queue-handled.ts'
import { bareThreads } from '../peers/pool/bare-threads.ts'
import { CLOSE, POOL_CASES } from './pool-cases.ts'

const ownCases: readonly Case[] = [
  {
    name: 'cpu-10ms-ideal',
    about: 'The tasks of cpu-10ms, against two bare threads of which each has half of them from the start.',
    unit: 'jobs/s',
    better: 'higher',
    jobs: { full: 500, quick: 30, 'warm-up': 0 },
    rounds: CLOSE,
    millhand: inFlight(millhand(), 'cpu10ms', 100),
    peers: { 'two bare threads': bareThreads('cpu10ms') },
  },
  {
    name: 'mixed-ideal',
    about: 'The tasks of mixed, against two bare threads of which each has half of them from the start.',
    unit: 'jobs/s',
    better: 'higher',
    jobs: { full: 5_000, quick: 500, 'warm-up': 0 },
    quickly: 'not at all',
    millhand: inFlight(millhand(), 'mixed', 1000),
    peers: { 'two bare threads': bareThreads('mixed') },
  },
  {
    name: 'queue-thread',
    about:
      'No-op jobs of a queue in memory at concurrency 100: handlers in two threads against handlers inline.',
    unit: 'jobs/s',
    better: 'higher',
    jobs: { full: 300_000, quick: 20_000, 'warm-up': 0 },
    label: 'thread',
    millhand: handled('thread'),
    peers: { inline: handled('inline') },
  },
  {
    name: 'crashes',
    about:
      'Tasks of which one in 500 ends its thread: by how much the heap after a collection grew. Fails unless each settles as it should and is begun once, and handles, timers and listeners are those of before.',
    unit: 'MiB',
    better: 'lower',
    jobs: { full: 100_000, quick: 2_000, 'warm-up': 0 },
    rounds: 1,
    millhand: crashes(),
    peers: {},
    yardstick: HEAP_BEFORE,
  },
]

/** Functions of a module, called in two threads or processes. */
export const suite: Suite = { name: 'pool', cases: [...POOL_CASES.map(({ best }) => best), ...ownCases] }
