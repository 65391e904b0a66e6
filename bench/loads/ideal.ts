import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../case.ts'
import { keepInFlight } from './pool/in-flight.ts'

/** A job that waits for something else, such as an answer of another service. */
export const fiveMs = (): Promise<void> => sleep(5)

/** The handler alone, without a queue: as many at once. What a timer of Node adds to the 5 ms is in it. */
export const withoutQueue: Contender = async ({ jobs, deliveries, timed }) => {
  deliveries.expect(jobs)
  const handle = async (n: number): Promise<void> => {
    await fiveMs()
    deliveries.mark(n)
  }
  return jobs / (await timed(() => keepInFlight(handle, jobs, 100, () => {})))
}
