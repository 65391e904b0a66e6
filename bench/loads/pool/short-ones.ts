import { openLoop } from '../../arrivals.ts'
import type { Contender } from '../../case.ts'
import { percentile } from '../../statistics.ts'
import type { OpenPool, TaskPool } from './task-pool.ts'
import { isLong } from './tasks.mjs'

export const PER_SECOND = 500
/** Before the clock, of as many as are measured: at this pace the engine goes on compiling for that long. */
const WARM_UP = 1

/** From the call of a short task until its result is here, while long ones come and go: the 99th percentile, ms. */
export function shortOnes(open: OpenPool): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    const pool = open('mixed')
    await onSchedule(pool, Math.ceil(jobs * WARM_UP), () => {})
    deliveries.expect(jobs)
    const short: number[] = []
    await timed(() =>
      onSchedule(pool, jobs, (n, value, ms) => {
        if (!isLong(n)) short.push(ms)
        deliveries.mark(value as number)
      }),
    )
    await pool.close()
    note('p50', percentile(short, 50))
    note('max', percentile(short, 100))
    return percentile(short, 99)
  }
}

async function onSchedule(
  pool: TaskPool,
  count: number,
  onResult: (n: number, value: unknown, ms: number) => void,
): Promise<void> {
  const all = Promise.withResolvers<void>()
  let done = 0
  const arrive = (n: number): void => {
    const begun = performance.now()
    pool.run(n).then((value) => {
      onResult(n, value, performance.now() - begun)
      if (++done === count) all.resolve()
    }, all.reject)
  }
  await Promise.all([openLoop({ count, perSecond: PER_SECOND, arrive }), all.promise])
}
