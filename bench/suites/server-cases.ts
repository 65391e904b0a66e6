/** The cases that stores on a server have in common, each measured against the peers that use the same server. */
import type { Case, Contender, Unit } from '../case.ts'
import { withBacklog } from '../loads/backlog.ts'
import { enqueueBulk, enqueueSingle } from '../loads/enqueue.ts'
import { fiveMs, withoutQueue } from '../loads/ideal.ts'
import { idleCost, millhandInstance, type Counter, type StartInstance } from '../loads/idle.ts'
import { jobBytes, millhandFill, type Fill } from '../loads/job-bytes.ts'
import { latency } from '../loads/latency.ts'
import { ALLOWED, lostWakeUp } from '../loads/lost-wake-up.ts'
import { processAll } from '../loads/process.ts'
import type { OpenStore } from '../loads/store.ts'
import type { IsWakeUp } from '../loads/wake-up-filter.ts'

export interface ProcessOptions {
  readonly concurrency: number
  /** Whether jobs may be fetched ahead. Default: true. */
  readonly buffered?: boolean
  /** Default: nothing. */
  readonly work?: () => Promise<void>
}

/** What each peer can be asked to do. */
export interface Peer {
  readonly processAll: (options: ProcessOptions) => Contender
  readonly enqueueBulk: Contender
  readonly enqueueSingle: Contender
  readonly latency: Contender
  readonly startInstance: StartInstance
  readonly fill: Fill
}

export interface PeerOfSuite {
  /** Loads it, when it is measured: loading all of them would take each run half a second. */
  readonly load: () => Promise<Peer>
  /** Of the jobs of a case it gets one in so many, since it is so much slower; its figure is a rate anyway. Default: 1. */
  readonly oneIn?: number
}

export interface ServerSuite {
  readonly open: OpenStore
  readonly peers: Readonly<Record<string, PeerOfSuite>>
  /** Of a full run. */
  readonly rounds: number
  /** Of the jobs of a full run, a quick one has one in so many. */
  readonly quickOneIn: number
  /** The peers of a quick run, and those of idle-cost, where each takes seconds. Default: all. */
  readonly quickly?: { readonly all: readonly string[]; readonly idle: readonly string[] }
  /** Jobs of a full run that suit the slowest peer, a case. */
  readonly jobs: Readonly<
    Record<'process100' | 'process1' | 'unbuffered' | 'bulk' | 'single' | 'fiveMs' | 'backlog', number>
  >
  readonly counter: Counter
  readonly calls: string
  readonly isWakeUp: IsWakeUp
  readonly bytesOf: (server: string) => Promise<number>
  readonly bytes: string
  /** Of the peers, whose size is the measure. */
  readonly sizes: readonly string[]
}

export function serverCases(suite: ServerSuite): Case[] {
  const { open, jobs, counter, isWakeUp, bytesOf } = suite
  const processed = (name: string, about: string, full: number, options: ProcessOptions): Case => {
    const { buffered: prefetch = true, ...rest } = options
    return {
      ...higher(suite, name, about, full),
      millhand: processAll(open, { ...rest, prefetch }),
      peers: peers(suite, ({ processAll: peer }) => peer(options), { fewer: true }),
    }
  }
  const five = { concurrency: 100, work: fiveMs }
  // First those that take their time however fast the stores are: in a quick run the others share what is left.
  const cases: Case[] = [
    {
      ...lower('idle-cost', suite.calls, 'calls/s'),
      jobs: { full: 10, quick: 10, 'warm-up': 0 },
      rounds: 3,
      ...(suite.quickly && { quickly: suite.quickly.idle }),
      millhand: idleCost(millhandInstance(open), counter),
      peers: peers(suite, (peer) => idleCost(peer.startInstance, counter)),
    },
    {
      ...lower(
        'lost-wake-up',
        'The workers of idle-cost: a job in each queue of which no wake-up tells, until the last has started.',
        'ms',
      ),
      jobs: { full: 10, quick: 10, 'warm-up': 0 },
      rounds: 3,
      quickly: 'not at all',
      millhand: lostWakeUp(open, isWakeUp),
      peers: {},
      yardstick: ALLOWED,
    },
    {
      ...higher(
        suite,
        'backlog-growth',
        'Jobs processed while 1,000,000 others (30,000 in a quick run) wait behind them, against 10,000 others.',
        jobs.backlog,
      ),
      rounds: 3,
      millhand: withBacklog(open, { full: 1_000_000, quick: 30_000, 'warm-up': 1_000 }),
      peers: {
        '10,000 waiting': withBacklog(open, { full: 10_000, quick: 10_000, 'warm-up': 1_000 }),
      },
    },
    {
      ...lower('job-bytes', suite.bytes, 'bytes'),
      jobs: { full: 100_000, quick: 10_000, 'warm-up': 0 },
      rounds: 3,
      millhand: jobBytes(millhandFill(open), bytesOf),
      peers: peers(suite, ({ fill }) => jobBytes(fill, bytesOf), { names: suite.sizes }),
    },
    processed(
      'process-100',
      'No-op jobs at concurrency 100, added before, from the start of the worker to the last settle.',
      jobs.process100,
      { concurrency: 100 },
    ),
    processed('process-1', 'The same at concurrency 1; fetching ahead is allowed.', jobs.process1, {
      concurrency: 1,
    }),
    processed(
      'process-1-unbuffered',
      'The same one at a time: each job is settled before the next is claimed, or with the claim of the next.',
      jobs.unbuffered,
      { concurrency: 1, buffered: false },
    ),
    {
      ...higher(
        suite,
        'enqueue-bulk',
        'Jobs of 100 bytes in bulk adds of 1,000; Millhand validates each.',
        jobs.bulk,
      ),
      rounds: 5,
      millhand: enqueueBulk(open),
      peers: peers(suite, (peer) => peer.enqueueBulk),
    },
    {
      ...higher(suite, 'enqueue-single', 'The same in adds of one job, 100 of them under way.', jobs.single),
      millhand: enqueueSingle(open),
      peers: peers(suite, (peer) => peer.enqueueSingle, { fewer: true }),
    },
    {
      ...lower(
        'latency-p99',
        'From the time at which a job is due to be added until its handler starts, at 1,000/s on a fixed schedule, adder and worker in one process; 99th percentile of what comes after the first second, in which each side opens its connections.',
        'ms',
      ),
      jobs: { full: 5_000, quick: 500, 'warm-up': 500 },
      millhand: latency(open),
      peers: peers(suite, (peer) => peer.latency),
    },
    processed('process-5ms', 'Jobs that wait for 5 ms, at concurrency 100.', jobs.fiveMs, five),
    {
      ...higher(
        suite,
        'process-5ms-ideal',
        'The jobs of process-5ms, against their handler called 100 at once without any queue.',
        jobs.fiveMs,
      ),
      millhand: processAll(open, five),
      peers: { 'no queue': withoutQueue },
    },
  ]
  const { rounds, quickly } = suite
  return cases.map((one) => ({
    rounds,
    ...(quickly && Object.keys(one.peers).length > 1 && { quickly: quickly.all }),
    ...one,
  }))
}

function higher(
  { quickOneIn }: ServerSuite,
  name: string,
  about: string,
  full: number,
): Pick<Case, 'name' | 'about' | 'unit' | 'better' | 'jobs'> {
  return {
    name,
    about,
    unit: 'jobs/s',
    better: 'higher',
    jobs: { full, quick: Math.ceil(full / quickOneIn), 'warm-up': Math.ceil(full / 10) },
  }
}

function lower(name: string, about: string, unit: Unit): Pick<Case, 'name' | 'about' | 'unit' | 'better'> {
  return { name, about, unit, better: 'lower' }
}

interface PeerOptions {
  /** Whether slow ones get fewer jobs. Default: false. */
  readonly fewer?: boolean
  /** Default: all. */
  readonly names?: readonly string[]
}

function peers(
  { peers: all }: ServerSuite,
  contenderOf: (peer: Peer) => Contender,
  { fewer = false, names = Object.keys(all) }: PeerOptions = {},
): Record<string, Contender> {
  const contender = ({ load, oneIn = 1 }: PeerOfSuite): Contender => {
    return async (run) => {
      const jobs = fewer ? Math.ceil(run.jobs / oneIn) : run.jobs
      return contenderOf(await load())({ ...run, jobs })
    }
  }
  return Object.fromEntries(names.map((name) => [name, contender(all[name]!)]))
}
