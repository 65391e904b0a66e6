import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../../case.ts'
import { WINDOW } from './subscriber.ts'

export function tenMs(): Promise<void> {
  return sleep(10)
}

/** The handler itself, as many times at once as the window is wide, with nobody around it. */
export const withoutBroker: Contender = async ({ jobs, deliveries, timed }) => {
  deliveries.expect(jobs)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < jobs) {
      const n = next++
      await tenMs()
      deliveries.mark(n)
    }
  }
  const seconds = await timed(async () => {
    await Promise.all(Array.from({ length: WINDOW }, lane))
  })
  return jobs / seconds
}
