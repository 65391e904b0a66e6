import type { RetentionOptions } from '../../src/index.ts'
import type { Observable } from '../../src/observe/observable.ts'
import type { Contender } from '../case.ts'
import { Queue, silentLogger } from '../millhand.ts'
import type { Payload } from '../payload.ts'
import { expectEmpty, fill, JOBS, type OpenStore } from './store.ts'

export interface ProcessOptions {
  readonly concurrency?: number
  /** Check payloads by their schema, when added and when started. Default: true. */
  readonly validated?: boolean
  /** Of the JSON of a payload. */
  readonly bytes?: number
  readonly retention?: RetentionOptions
  readonly lease?: `${number}ms`
  /** Claim jobs before there is a place for them. Default: true. */
  readonly prefetch?: boolean
  /** What the work of a job is. Default: nothing. */
  readonly work?: () => Promise<void>
  /** Subscribes to the worker, before it starts. */
  readonly watch?: (worker: Observable) => void
}

/** No-op jobs, added before: from the start of the worker until it has settled the last and stopped. */
export function processAll(open: OpenStore, options: ProcessOptions = {}): Contender {
  const {
    concurrency = 100,
    validated = true,
    bytes,
    retention,
    lease = '30000ms',
    prefetch = true,
    work,
    watch,
  } = options
  return async (run) => {
    const { jobs, deliveries, timed } = run
    const backend = open(run)
    const queue = new Queue('bench', {
      backend,
      ...(validated ? { jobs: JOBS } : {}),
      ...(retention === undefined ? {} : { retention }),
    })
    deliveries.expect(jobs)
    await fill(queue, 0, jobs, bytes)
    const noop = async (job: { readonly payload: Payload }): Promise<void> => {
      if (work !== undefined) await work()
      deliveries.mark(job.payload.n)
    }
    const worker = queue.worker({ noop }, { concurrency, lease, prefetch, logger: silentLogger })
    watch?.(worker)
    const seconds = await timed(async () => {
      await worker.drainOnce({ timeout: '5m' })
    })
    await expectEmpty(queue, retention === undefined ? [] : ['done'])
    await queue.close()
    return jobs / seconds
  }
}
