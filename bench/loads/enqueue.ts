import type { Contender } from '../case.ts'
import { silentLogger } from '../millhand.ts'
import { batches, payload } from '../payload.ts'
import { expectAdded, expectEmpty, openQueue, type OpenStore } from './store.ts'

/** Bulk adds, one after the other; afterwards all of it is worked off, to see that it is there once. */
export function enqueueBulk(open: OpenStore): Contender {
  return async ({ jobs, folder, deliveries, timed }) => {
    const queue = openQueue(open, folder)
    await queue.backend.open()
    deliveries.expect(jobs)
    const inputs = Array.from(batches(0, jobs), (batch) =>
      batch.map((n) => ({ type: 'noop' as const, payload: payload(n) })),
    )
    const seconds = await timed(async () => {
      for (const input of inputs) expectAdded(await queue.addMany(input))
    })
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
    return jobs / seconds
  }
}
