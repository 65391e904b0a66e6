import { Random } from '../random.ts'
import { FAULT_NAMES, type FaultName } from './faults.ts'

/** One run: a server that works, and what happens to it when. All of it comes from the seed. */
export interface Plan {
  readonly seed: number
  readonly fault: FaultName
  /** Workers in threads, and in processes. */
  readonly threads: number
  readonly processes: number
  /** Those of a kind are a group; else each is a worker of its own. */
  readonly grouped: boolean
  /** Jobs that wait when the server starts; more are added until the run is over. */
  readonly jobs: number
  /** Where the worker is that misbehaves, if one does. */
  readonly culprit: 'thread' | 'process'
  /** From when the server is ready until the fault, ms. */
  readonly afterMs: number
  /** From the fault until what follows it, ms. */
  readonly gapMs: number
  /** Which of several is hit, as a fraction of their number. */
  readonly aim: number
  /** The signal that asks the server to end. */
  readonly signal: 'SIGTERM' | 'SIGINT'
  /** What a fault does in one of two ways is done in the other. */
  readonly other: boolean
}

/**
 * The plan of a run. All faults come once before any comes again, in an order of the seed's own.
 * @param only the only fault there is; the first run of a seed is then that seed's run of this fault.
 */
export function planOf(seed: number, index: number, only?: FaultName): Plan {
  const own = seed + index
  const random = new Random(own)
  return {
    seed: own,
    fault: only ?? orderOf(seed, Math.floor(index / FAULT_NAMES.length))[index % FAULT_NAMES.length]!,
    threads: random.integer(1, 2),
    processes: random.integer(1, 2),
    grouped: random.next() < 0.5,
    jobs: random.integer(50, 300),
    culprit: random.next() < 0.5 ? 'thread' : 'process',
    afterMs: random.integer(0, 600),
    gapMs: random.integer(0, 700),
    aim: random.next(),
    signal: random.next() < 0.5 ? 'SIGTERM' : 'SIGINT',
    other: random.next() < 0.5,
  }
}

function orderOf(seed: number, round: number): readonly FaultName[] {
  const random = new Random(seed ^ (round * 0x9e3779b1))
  return FAULT_NAMES.map((fault) => ({ fault, rank: random.next() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ fault }) => fault)
}
