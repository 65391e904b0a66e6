import { openLoop } from '../../arrivals.ts'
import type { Contender } from '../../case.ts'
import { percentile } from '../../statistics.ts'
import { warmUp } from './in-flight.ts'
import type { OpenPool } from './task-pool.ts'
import { isLong } from './tasks.mjs'

export const PER_SECOND = 500

/** From the call of a short task until its result is here, while long ones come and go: the 99th percentile, ms. */
export function shortOnes(open: OpenPool): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    const pool = open('mixed')
    await warmUp(pool, jobs, 100)
    deliveries.expect(jobs)
    const short: number[] = []
    await timed(async () => {
      const all = Promise.withResolvers<void>()
      const arrive = (n: number): void => {
        const begun = performance.now()
        pool.run(n).then((value) => {
          if (!isLong(n)) short.push(performance.now() - begun)
          deliveries.mark(value as number)
          if (deliveries.total === jobs) all.resolve()
        }, all.reject)
      }
      await Promise.all([openLoop({ count: jobs, perSecond: PER_SECOND, arrive }), all.promise])
    })
    await pool.close()
    note('p50', percentile(short, 50))
    note('max', percentile(short, 100))
    return percentile(short, 99)
  }
}
