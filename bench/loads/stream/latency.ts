import { setImmediate as nextTurn } from 'node:timers/promises'
import { openLoop } from '../../arrivals.ts'
import type { Contender } from '../../case.ts'
import { percentile } from '../../statistics.ts'
import { makeFrames } from './frames.ts'
import { countIn, type OpenLine } from './line.ts'
import { TO_SHARED_MS } from './receipts.ts'

const PER_SECOND = 50_000
/** Before the clock, so that the code of both ends is compiled. */
const WARM_UP = 30_000

/**
 * Frames of a feed that keeps its pace whatever becomes of them: from the time at which each was due until it is
 * applied. ms, of `percent` of them.
 */
export function latencyOf(open: OpenLine, percent: 50 | 99): Contender {
  return async (run) => {
    const { jobs, timed, note } = run
    const count = WARM_UP + jobs
    const line = await open(makeFrames(count), true)
    for (let n = 0; n < WARM_UP; n++) {
      const full = line.post(n)
      if (full !== undefined) await full
    }
    await line.drained()
    const dueAt = new Float64Array(jobs)
    await timed(async () => {
      const late = await openLoop({
        ...{ count: jobs, perSecond: PER_SECOND, next: () => nextTurn() },
        arrive: (n, due) => {
          dueAt[n] = due + TO_SHARED_MS
          // Where there is no room it has its place all the same, and whoever waits is counted by that.
          void line.post(WARM_UP + n)
        },
      })
      note('p50 of the sender alone', percentile(late, 50))
      note('p99 of the sender alone', percentile(late, 99))
      await line.drained()
    })
    const report = await line.report()
    countIn(run, count, report)
    await line.close()
    const latencies = dueAt.map((due, n) => report.handledAt[WARM_UP + n]! - due)
    const soonest = latencies.reduce((least, each) => Math.min(least, each), Infinity)
    if (soonest < 0) throw new Error(`expected no frame to be applied before it was due, got: ${soonest} ms`)
    note('max', percentile(latencies, 100))
    return percentile(latencies, percent)
  }
}
