import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Contender } from '../case.ts'
import { expectEmpty, fill, inSqlite, openQueue } from './store.ts'

/** What a worker process says: it is ready to begin, or which jobs it ran. */
export type Report = 'ready' | { readonly ran: readonly number[] }

/** Jobs of one SQLite file, added before: from the start of all worker processes' work to the last one's end. */
export function acrossProcesses(count: number): Contender {
  return async ({ jobs, folder, server, deliveries, timed }) => {
    const queue = openQueue(inSqlite('normal'), { folder, server })
    deliveries.expect(jobs)
    await fill(queue, 0, jobs)
    const workers = await Promise.all(Array.from({ length: count }, () => startWorker(folder)))
    const seconds = await timed(async () => {
      const reports = workers.map((worker) => reportOf(worker))
      for (const worker of workers) worker.send('go')
      for (const report of await Promise.all(reports)) {
        if (report !== 'ready') for (const n of report.ran) deliveries.mark(n)
      }
    })
    await expectEmpty(queue)
    await queue.close()
    return jobs / seconds
  }
}

async function startWorker(folder: string): Promise<ChildProcess> {
  const worker = fork(new URL('processes-entry.ts', import.meta.url), [folder], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  await reportOf(worker)
  return worker
}

async function reportOf(worker: ChildProcess): Promise<Report> {
  const ended = once(worker, 'exit').then(([code, signal]) => {
    throw new Error(`a worker process ended with ${signal ?? code} before it had reported`)
  })
  const [report] = (await Promise.race([once(worker, 'message'), ended])) as [Report]
  return report
}
