import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Contender } from '../case.ts'
import { keptMiB } from '../heap.ts'
import { silentLogger } from '../millhand.ts'
import { batches } from '../payload.ts'
import { expectEmpty, fill, openQueue, type BenchQueue, type OpenStore } from './store.ts'

/** The note of what the process kept after the first tenth. */
export const FIRST_TENTH = 'heap after the first tenth'
const MOST_IN_STORE = 10_000

/** All jobs pass through, added while others run: by how much the heap grew after the first tenth. */
export function heapGrowth(open: OpenStore): Contender {
  return async (run) => {
    const { jobs, deliveries, timed, note } = run
    const queue = openQueue(open, run)
    deliveries.expect(jobs)
    const worker = queue.worker(
      {
        noop: async (job) => {
          deliveries.mark(job.payload.n)
        },
      },
      { concurrency: 100, logger: silentLogger },
    )
    await worker.start()
    const pass = async (from: number, to: number): Promise<number> => {
      for (const batch of batches(from, to)) {
        while (batch[0]! - deliveries.total > MOST_IN_STORE) await nextTurn()
        await fill(queue, batch[0]!, batch.at(-1)! + 1)
      }
      while (deliveries.total < to) await nextTurn()
      await settled(queue)
      return keptMiB()
    }
    let growth = 0
    await timed(async () => {
      const first = await pass(0, jobs / 10)
      note(FIRST_TENTH, first)
      growth = (await pass(jobs / 10, jobs)) - first
    })
    await worker.stop()
    await expectEmpty(queue)
    await queue.close()
    return growth
  }
}

async function settled(queue: BenchQueue): Promise<void> {
  while ((await queue.stats()).counts.active > 0) await nextTurn()
}
