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

/** @returns the 99th percentile. */
export function noteLatencies(latencies: Float64Array, note: (name: string, value: number) => void): number {
  note('p50', percentile(latencies, 50))
  note('max', percentile(latencies, 100))
  return percentile(latencies, 99)
}
