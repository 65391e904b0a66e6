/** Threads without a pool: each is told once which half of the tasks is its own. What two threads can do. */
import { once } from 'node:events'
import { Worker as Thread } from 'node:worker_threads'
import type { Contender } from '../../case.ts'
import { WORKERS, type TaskName } from '../../loads/pool/task-pool.ts'

const ENTRY = new URL('bare-threads-entry.mjs', import.meta.url)

export function bareThreads(task: TaskName): Contender {
  return async ({ jobs, deliveries, timed }) => {
    const threads = Array.from({ length: WORKERS }, () => new Thread(ENTRY, { workerData: task }))
    const all = (to: number): Promise<number[][]> =>
      Promise.all(
        threads.map(async (thread, first) => {
          const results = once(thread, 'message')
          thread.postMessage({ first, to, step: WORKERS })
          return (await results)[0] as number[]
        }),
      )
    await all(Math.ceil(jobs / 10))
    deliveries.expect(jobs)
    const seconds = await timed(async () => {
      for (const results of await all(jobs)) for (const n of results) deliveries.mark(n)
    })
    await Promise.all(threads.map((thread) => thread.terminate()))
    return jobs / seconds
  }
}
