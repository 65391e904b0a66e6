import type { Contender } from '../../case.ts'
import { batches, payload } from '../../payload.ts'
import { expectAdded, expectEmpty } from '../store.ts'
import * as handlers from './queue-handlers.ts'

/** Jobs of a queue in memory, added before: from the first claim until the last is settled. Jobs a second. */
export function handled(placement: 'inline' | 'thread'): Contender {
  return async ({ jobs, deliveries, timed }) => {
    const { queue, [placement]: worker } = handlers
    await queue.backend.open()
    const ended: string[] = []
    let onEnded = (): void => {}
    // Handlers elsewhere cannot mark what they were given, so both sides are counted by how their attempts ended.
    worker.events.on('attempts', ({ attempts }) => {
      for (const { id, outcome } of attempts) if (outcome === 'done') ended.push(id)
      onEnded()
    })
    const until = (count: number): Promise<void> =>
      new Promise((resolve) => {
        onEnded = () => {
          if (ended.length >= count) resolve()
        }
        onEnded()
      })

    const before = Math.ceil(jobs / 10)
    await add(before)
    await worker.start()
    await until(before)
    worker.quiet()
    ended.length = 0

    const numbers = await add(jobs)
    deliveries.expect(jobs)
    const seconds = await timed(async () => {
      worker.resume()
      await until(jobs)
    })
    for (const id of ended) deliveries.mark(numbers.get(id) ?? -1)
    await worker.stop()
    await expectEmpty(queue)
    await queue.close()
    return jobs / seconds

    /** @returns the number of each job by its id. */
    async function add(count: number): Promise<Map<string, number>> {
      const added = new Map<string, number>()
      for (const batch of batches(0, count)) {
        const results = await queue.addMany(batch.map((n) => ({ type: 'noop', payload: payload(n) })))
        expectAdded(results)
        for (const result of results) if ('id' in result) added.set(result.id, added.size)
      }
      return added
    }
  }
}
