/** A worker process of the load in processes.ts. */
import { once } from 'node:events'
import { silentLogger } from '../millhand.ts'
import type { Report } from './processes.ts'
import { inSqlite, openQueue } from './store.ts'

const queue = openQueue(inSqlite('normal'), { folder: process.argv[2]!, server: '' })
await queue.backend.open()
const ran: number[] = []
const worker = queue.worker(
  {
    noop: async (job) => {
      ran.push(job.payload.n)
    },
  },
  { concurrency: 100, logger: silentLogger },
)
process.once('disconnect', () => process.exit(1))
report('ready')
await once(process, 'message')
await worker.drainOnce({ timeout: '5m' })
await queue.close()
report({ ran })

function report(text: Report): void {
  process.send!(text, () => {
    if (text !== 'ready') process.exit(0)
  })
}
