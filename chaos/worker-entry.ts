/** A worker process of a trial, started by supervisor.ts: works until it is told to stop, and keeps its ledger. */
import { flushCompileCache } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend, Queue, Server } from 'millhand'
import { jobNumber, QUEUE, queueOptions, type Work, type WorkerSettings } from './job.ts'
import { Ledger } from './ledger.ts'
import { tellSettled } from './settled.ts'
import type { Report, Request } from './supervisor.ts'

/** Work goes on in steps, so that a process that is stopped does not get its work done by the passing of time. */
const STEP_MS = 20

const settings = JSON.parse(process.argv[2]!) as WorkerSettings
const ledger = new Ledger(settings.ledgers, settings.life)
const backend = await openBackend(settings.url)
tellSettled(backend, (id, token) => ledger.note('settle', jobNumber(id), token))
const queue = new Queue(QUEUE, { backend, ...queueOptions })

const worker = queue.worker(
  {
    // It goes on when its signal aborts, as handlers do that never look; that is the harder case.
    work: async (job, { signal }) => {
      const { n, ms, blockMs = 0 } = job.payload as Work
      ledger.note('start', n, job.token)
      signal.addEventListener('abort', () => ledger.note('abort', n, job.token))
      for (const end = performance.now() + blockMs; performance.now() < end;);
      for (let left = ms; left > 0; left -= STEP_MS) await sleep(Math.min(left, STEP_MS))
      ledger.note('end', n, job.token)
      if (settings.durableLedgers) await ledger.durable()
      ledger.note('return', n, job.token)
    },
  },
  { concurrency: settings.concurrency, lease: `${settings.leaseMs}ms` },
)
worker.events.on('startup', () => {
  // For those that come after it, in case it is killed.
  flushCompileCache()
  report({ kind: 'ready' })
})
worker.events.on('stale', ({ jobs }) => {
  for (const id of jobs) ledger.note('stale', jobNumber(id))
})

const loop = monitorEventLoopDelay({ resolution: 5 })
process.on('message', (request: Request) => {
  if (request === 'time') return report({ kind: 'time', wallMs: Date.now() })
  if (request === 'measure') {
    loop.reset()
    loop.enable()
  } else report({ kind: 'loop', p99Ms: loop.percentile(99) / 1e6, maxMs: loop.max / 1e6 })
})
// Whoever started it is gone.
process.once('disconnect', () => process.exit(1))

await new Server().add(worker).runForever()
await queue.close()
process.exit()

function report(message: Report): void {
  process.send?.(message)
}
