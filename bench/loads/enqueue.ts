import type { Contender } from '../case.ts'
import type { Deliveries } from '../deliveries.ts'
import { silentLogger } from '../millhand.ts'
import { batches, payload } from '../payload.ts'
import { keepInFlight } from './pool/in-flight.ts'
import { expectAdded, expectEmpty, openQueue, type BenchQueue, type OpenStore } from './store.ts'

/** How many single adds are under way at any time. */
export const IN_FLIGHT = 100

/** Bulk adds, one after the other; afterwards all of it is worked off, to see that it is there once. */
export function enqueueBulk(open: OpenStore): Contender {
  return async (run) => {
    const { jobs, deliveries, timed } = run
    const queue = openQueue(open, run)
    await queue.backend.open()
    deliveries.expect(jobs)
    const inputs = Array.from(batches(0, jobs), (batch) =>
      batch.map((n) => ({ type: 'noop' as const, payload: payload(n) })),
    )
    const seconds = await timed(async () => {
      for (const input of inputs) expectAdded(await queue.addMany(input))
    })
    await workOff(queue, deliveries)
    return jobs / seconds
  }
}

/** Adds of one job, 100 of them under way; afterwards the same. */
export function enqueueSingle(open: OpenStore): Contender {
  return async (run) => {
    const { jobs, deliveries, timed } = run
    const queue = openQueue(open, run)
    await queue.backend.open()
    deliveries.expect(jobs)
    const add = (n: number): Promise<{ readonly status: string }> => queue.add('noop', payload(n))
    const seconds = await timed(() => keepInFlight(add, jobs, IN_FLIGHT, (added) => expectAdded([added])))
    await workOff(queue, deliveries)
    return jobs / seconds
  }
}

async function workOff(queue: BenchQueue, deliveries: Deliveries): Promise<void> {
  const worker = queue.worker(
    {
      noop: (job) => {
        deliveries.mark(job.payload.n)
      },
    },
    { concurrency: 100, logger: silentLogger },
  )
  await worker.drainOnce({ timeout: '5m' })
  await expectEmpty(queue)
  await queue.close()
}
