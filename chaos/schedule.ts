import { Random } from './random.ts'

/** One signal to one worker process. */
export interface Strike {
  readonly signal: 'SIGKILL' | 'SIGTERM'
  /** Ms after the strike before it. */
  readonly afterMs: number
  /** Which of the processes that are ready is hit, as a fraction of their number. */
  readonly aim: number
}

/** When which process is hit. The same seed gives the same schedule, however long the run takes. */
export function strikes(
  seed: number,
  signal: Strike['signal'],
  count: number,
  gapMs: readonly [least: number, most: number],
): Strike[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => ({
    signal,
    afterMs: random.integer(...gapMs),
    aim: random.next(),
  }))
}
