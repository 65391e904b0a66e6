import type { RetentionOptions } from '../../src/index.ts'
import type { Observable } from '../../src/observe/observable.ts'
import type { Contender } from '../case.ts'
import { Queue, silentLogger } from '../millhand.ts'
import { expectEmpty, fill, JOBS, type OpenStore } from './store.ts'

export interface ProcessOptions {
  readonly concurrency?: number
  /** Check payloads by their schema, when added and when started. Default: true. */
  readonly validated?: boolean
  /** Of the JSON of a payload. */
  readonly bytes?: number
  readonly retention?: RetentionOptions
  readonly lease?: `${number}ms`
  /** Subscribes to the worker, before it starts. */
  readonly watch?: (worker: Observable) => void
}

/** No-op jobs, added before: from the start of the worker until it has settled the last and stopped. */
export function processAll(open: OpenStore, options: ProcessOptions = {}): Contender {
  const { concurrency = 100, validated = true, bytes, retention, lease = '30000ms', watch } = options
  return async ({ jobs, folder, deliveries, timed }) => {
    const backend = open(folder)
    const queue = new Queue('bench', {
      backend,
      ...(validated ? { jobs: JOBS } : {}),
      ...(retention === undefined ? {} : { retention }),
    })
    deliveries.expect(jobs)
    await fill(queue, 0, jobs, bytes)
    const worker = queue.worker(
      {
        noop: async (job) => {
          deliveries.mark(job.payload.n)
        },
      },
      { concurrency, lease, logger: silentLogger },
    )
    watch?.(worker)
    const seconds = await timed(async () => {
      await worker.drainOnce({ timeout: '5m' })
    })
    await expectEmpty(queue, retention === undefined ? [] : ['done'])
    await queue.close()
    return jobs / seconds
  }
}
