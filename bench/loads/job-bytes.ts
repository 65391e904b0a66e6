import type { Contender, Run } from '../case.ts'
import { fill, openQueue, type OpenStore } from './store.ts'

/** Adds all jobs of a run, marks those that the store has, or says how many it has, and leaves them there. */
export type Fill = (run: Run) => Promise<void>

/** What jobs that wait take in the store: by how much it is larger than when it was empty. */
export function jobBytes(fillWith: Fill, bytesOf: (server: string) => Promise<number>): Contender {
  return async (run) => {
    const { jobs, server, deliveries } = run
    deliveries.expect(jobs)
    const before = await bytesOf(server)
    await fillWith(run)
    return ((await bytesOf(server)) - before) / jobs
  }
}

export function millhandFill(open: OpenStore): Fill {
  return async (run) => {
    const queue = openQueue(open, run)
    await fill(queue, 0, run.jobs)
    const { counts } = await queue.stats()
    run.deliveries.left(counts.waiting)
    await queue.close()
  }
}
