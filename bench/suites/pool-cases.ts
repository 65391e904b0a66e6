import type { Case, Contender } from '../case.ts'
import { inFlight } from '../loads/pool/in-flight.ts'
import { millhand } from '../loads/pool/millhand.ts'
import { PER_SECOND, shortOnes } from '../loads/pool/short-ones.ts'
import type { OpenPool } from '../loads/pool/task-pool.ts'
import { thereAndBack } from '../loads/pool/there-and-back.ts'
import { allOf, bestOf, PROCESSES, THREADS, type Best } from '../peers/pool/settings.ts'

/** A case in which pools are compared. */
interface PoolCase {
  /** With the best settings of each peer. */
  readonly best: Case
  /** With all of their settings. */
  readonly all: Case
}

type Plain = Omit<Case, 'millhand' | 'peers'>

const speed = { unit: 'jobs/s', better: 'higher' } as const

/** Of cases in which all are as close to each other as their runs are. */
export const CLOSE = 9

/** Warm-up is part of the loads: it is threads that have to be warm, and those are of one pool. */
const jobs = (full: number, quick: number): Case['jobs'] => ({ full, quick, 'warm-up': 0 })

export const POOL_CASES: readonly PoolCase[] = [
  threads(
    {
      ...speed,
      name: 'noop',
      about: 'No-op tasks, 1,000 in flight, two threads.',
      jobs: jobs(500_000, 30_000),
    },
    (open) => inFlight(open, 'noop', 1000),
    {
      piscina: '64, sync',
      tinypool: '64, atomics',
      workerpool: 'default',
      poolifier: 'no queue, least used',
    },
  ),
  threads(
    {
      ...speed,
      name: 'roundtrip',
      about: 'No-op tasks, each called when the result of the one before is here.',
      jobs: jobs(50_000, 3_000),
    },
    (open) => inFlight(open, 'noop', 1),
    { piscina: '64, sync', tinypool: '64, atomics', workerpool: 'default', poolifier: 'queue, 1' },
  ),
  threads(
    {
      ...speed,
      name: 'cpu-100us',
      about: 'Tasks of about 100 microseconds of CPU, 1,000 in flight.',
      jobs: jobs(30_000, 2_000),
    },
    (open) => inFlight(open, 'cpu100us', 1000),
    { piscina: '64, disabled', tinypool: '64', workerpool: 'default', poolifier: 'no queue, least used' },
  ),
  threads(
    {
      ...speed,
      name: 'cpu-10ms',
      about: 'Tasks of about 10 ms of CPU, 100 in flight.',
      jobs: jobs(500, 30),
      rounds: CLOSE,
    },
    (open) => inFlight(open, 'cpu10ms', 100),
    { piscina: '1, sync', tinypool: '1', workerpool: 'default', poolifier: 'queue, 64' },
  ),
  threads(
    {
      ...speed,
      name: 'mixed',
      about:
        'One task of 100 ms in each 100, the others of 0.1 ms, 1,000 in flight: tasks over the total time.',
      jobs: jobs(5_000, 500),
    },
    (open) => inFlight(open, 'mixed', 1000),
    { piscina: '1, sync', tinypool: '1', workerpool: 'default', poolifier: 'no queue' },
  ),
  threads(
    {
      unit: 'ms',
      better: 'lower',
      name: 'mixed-p99',
      about: `The same tasks, called at ${PER_SECOND}/s on a fixed schedule: from the call of a short one to its result; 99th percentile.`,
      jobs: jobs(5_000, 300),
      rounds: CLOSE,
    },
    shortOnes,
    { piscina: '1, async', tinypool: '1', workerpool: 'default', poolifier: 'queue, 64' },
  ),
  threads(
    {
      ...speed,
      name: 'transfer',
      about:
        'ArrayBuffers of 1 MiB, eight on the way, transferred to the thread and back. poolifier copies them back: it has nothing else.',
      jobs: jobs(20_000, 1_000),
    },
    thereAndBack,
    { piscina: '64, async', tinypool: '64, atomics', workerpool: 'default', poolifier: 'queue, 64' },
  ),
  processes(
    {
      ...speed,
      name: 'process-noop',
      about: 'No-op tasks in two processes, 1,000 in flight.',
      jobs: jobs(200_000, 5_000),
    },
    (open) => inFlight(open, 'noop', 1000),
    { tinypool: '64, json', workerpool: 'advanced' },
  ),
]

function threads(plain: Plain, load: (open: OpenPool) => Contender, best: Best<typeof THREADS>): PoolCase {
  return both(plain, load(millhand()), load, bestOf(THREADS, best), allOf(THREADS))
}

function processes(
  plain: Plain,
  load: (open: OpenPool) => Contender,
  best: Best<typeof PROCESSES>,
): PoolCase {
  return both(plain, load(millhand('process')), load, bestOf(PROCESSES, best), allOf(PROCESSES))
}

function both(
  plain: Plain,
  own: Contender,
  load: (open: OpenPool) => Contender,
  best: Readonly<Record<string, OpenPool>>,
  all: Readonly<Record<string, OpenPool>>,
): PoolCase {
  const withPeers = (peers: Readonly<Record<string, OpenPool>>): Case => ({
    ...plain,
    millhand: own,
    peers: Object.fromEntries(Object.entries(peers).map(([name, open]) => [name, load(open)])),
  })
  return { best: withPeers(best), all: withPeers(all) }
}
