import PQueue from 'p-queue'
import type { Contender } from '../case.ts'
import { payload } from '../payload.ts'

/** The same no-op by p-queue. */
export const processAll: Contender = async ({ jobs, deliveries, timed }) => {
  const queue = new PQueue({ concurrency: 100, autoStart: false })
  deliveries.expect(jobs)
  for (let number = 0; number < jobs; number++) {
    const job = payload(number)
    void queue.add(async () => {
      deliveries.mark(job.n)
    })
  }
  const seconds = await timed(async () => {
    queue.start()
    await queue.onIdle()
  })
  return jobs / seconds
}
