import { InvalidOptionError } from '../../../core/errors.ts'
import { QUEUE_WORKER_RULES, type QueueWorkerOptions } from '../queue-worker.ts'

/** Where the handlers of a worker run, when that is not here. */
export interface PlacedOptions {
  readonly placement: 'thread' | 'process'
  readonly module: string
  readonly workers: number
  readonly concurrency: number
}

/** @throws InvalidOptionError when threads or processes could not find the handlers. */
export function placedOptions(options: QueueWorkerOptions): PlacedOptions | undefined {
  const placement = QUEUE_WORKER_RULES.placement(options.placement, 'placement')
  if (placement === 'inline') return undefined
  const module = QUEUE_WORKER_RULES.module(options.module, 'module')
  if (module === undefined) {
    throw new InvalidOptionError(
      'module',
      `expected module to be import.meta.url of the file that exports this worker, since its placement is '${placement}'; got: undefined`,
    )
  }
  const workers = QUEUE_WORKER_RULES.workers(options.workers, 'workers')
  const concurrency = QUEUE_WORKER_RULES.concurrency(options.concurrency, 'concurrency')
  return { placement, module, workers, concurrency }
}
