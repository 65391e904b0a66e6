import type { Contender } from '../case.ts'
import { openLoop } from '../arrivals.ts'
import { silentLogger } from '../millhand.ts'
import { payload } from '../payload.ts'
import { percentile } from '../statistics.ts'
import { expectEmpty, openQueue, type OpenStore } from './store.ts'

export const PER_SECOND = 1000
/** The note of how much of it is the adder's, which a timer wakes each millisecond. */
export const ADDER = 'p99 of the adder alone'

/** From the time at which a job was due to be added until its handler starts; adder and worker in one process. */
export function latency(open: OpenStore): Contender {
  return async (run) => {
    const { jobs, deliveries, timed, note } = run
    const queue = openQueue(open, run)
    deliveries.expect(jobs)
    const latencies = new Float64Array(jobs)
    const done = Promise.withResolvers<void>()
    const worker = queue.worker(
      {
        noop: async (job) => {
          const { n } = job.payload
          // Holds the due time until now.
          latencies[n] = performance.now() - latencies[n]!
          deliveries.mark(n)
          if (deliveries.total === jobs) done.resolve()
        },
      },
      { concurrency: 100, logger: silentLogger },
    )
    await worker.start()
    await timed(async () => {
      const arrive = (n: number, due: number): void => {
        latencies[n] = due
        queue.add('noop', payload(n)).catch(done.reject)
      }
      const [late] = await Promise.all([
        openLoop({ count: jobs, perSecond: PER_SECOND, arrive }),
        done.promise,
      ])
      note(ADDER, percentile(late, 99))
    })
    await worker.stop()
    await expectEmpty(queue)
    await queue.close()
    return noteLatencies(latencies, note)
  }
}

/**
 * Of every side alike, what comes in the first second is not counted (of a run that is not twice as long, the first half
 * of it): then each opens its connections and makes its plans.
 * @returns the 99th percentile.
 */
export function noteLatencies(latencies: Float64Array, note: (name: string, value: number) => void): number {
  const counted = latencies.subarray(Math.min(PER_SECOND, latencies.length / 2))
  note('p50', percentile(counted, 50))
  note('max', percentile(counted, 100))
  return percentile(counted, 99)
}
