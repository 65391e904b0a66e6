import fastq from 'fastq'
import type { Contender } from '../case.ts'
import { payload, type Payload } from '../payload.ts'

/** The same no-op by fastq's promises: nothing is stored, checked, leased or settled. */
export const processAll: Contender = async ({ jobs, deliveries, timed }) => {
  const queue = fastq.promise<unknown, Payload, void>(async ({ n }) => {
    deliveries.mark(n)
  }, 100)
  deliveries.expect(jobs)
  queue.pause()
  for (let n = 0; n < jobs; n++) void queue.push(payload(n))
  const seconds = await timed(async () => {
    const drained = queue.drained()
    queue.resume()
    await drained
  })
  return jobs / seconds
}
