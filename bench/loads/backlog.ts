import type { Contender, Scale } from '../case.ts'
import { silentLogger } from '../millhand.ts'
import { fill, openQueue, type OpenStore } from './store.ts'

/** A fixed number of jobs while `waiting` others wait behind them, from the start of the worker to the last settle. */
export function withBacklog(open: OpenStore, waiting: Readonly<Record<Scale, number>>): Contender {
  return async (run) => {
    const { jobs, scale, deliveries, timed } = run
    const queue = openQueue(open, run)
    const all = jobs + waiting[scale]
    deliveries.expect(all)
    await fill(queue, 0, all)
    const worker = queue.worker(
      {
        noop: async (job) => {
          deliveries.mark(job.payload.n)
        },
      },
      { concurrency: 100, logger: silentLogger },
    )
    const enough = Promise.withResolvers<void>()
    let settled = 0
    worker.events.on('attempts', ({ attempts }) => {
      settled += attempts.length
      if (settled >= jobs) enough.resolve()
    })
    let reached = 0
    const seconds = await timed(async () => {
      await worker.start()
      await enough.promise
      reached = settled
    })
    await worker.stop()
    const { counts } = await queue.stats()
    deliveries.left(counts.waiting)
    if (counts.active + counts.delayed + counts.dead > 0) {
      throw new Error(`expected jobs to be settled or to wait, got: ${JSON.stringify(counts)}`)
    }
    await queue.close()
    return reached / seconds
  }
}
