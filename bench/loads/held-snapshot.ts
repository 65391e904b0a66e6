import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../case.ts'
import { silentLogger } from '../millhand.ts'
import { batches } from '../payload.ts'
import { holdSnapshot } from '../servers/postgres.ts'
import { expectEmpty, fill, openQueue, type OpenStore } from './store.ts'

const MOST_IN_STORE = 10_000

/** All jobs pass through, added while others run; with `held`, beside a transaction that has its snapshot from before. */
export function passThrough(open: OpenStore, { held }: { readonly held: boolean }): Contender {
  return async (run) => {
    const { jobs, server, deliveries, timed, note } = run
    const queue = openQueue(open, run)
    await queue.backend.open()
    deliveries.expect(jobs)
    const done = Promise.withResolvers<void>()
    const worker = queue.worker(
      {
        noop: async (job) => {
          deliveries.mark(job.payload.n)
          if (deliveries.total === jobs) done.resolve()
        },
      },
      { concurrency: 100, logger: silentLogger },
    )
    const release = held ? await holdSnapshot(server) : undefined
    await worker.start()
    let lastTenth = 0
    const seconds = await timed(async () => {
      for (const batch of batches(0, jobs)) {
        while (batch[0]! - deliveries.total > MOST_IN_STORE) await sleep(1)
        if (batch[0] === jobs * 0.9) lastTenth = performance.now()
        await fill(queue, batch[0]!, batch.at(-1)! + 1)
      }
      await done.promise
      // Settles what it has not yet settled.
      await worker.stop()
    })
    note('last tenth', (jobs * 0.1) / ((performance.now() - lastTenth) / 1000))
    await release?.()
    await expectEmpty(queue)
    await queue.close()
    return jobs / seconds
  }
}
