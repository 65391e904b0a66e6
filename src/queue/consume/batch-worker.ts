import type { Duration } from '../../core/duration.ts'
import { MillhandError, NonRetryableError, show } from '../../core/errors.ts'
import { checkOwnOptions, duration, integer } from '../../core/options.ts'
import type { AnyQueue } from '../any-queue.ts'
import { AdaptiveBatchSize, type AdaptiveBatchOptions } from './adaptive-batch.ts'
import { within, type Attempt } from './attempt.ts'
import { batchGate } from './gate.ts'
import type { Job, JobContext } from './handler.ts'
import { QUEUE_WORKER_RULES, QueueWorker, type QueueWorkerOptions } from './queue-worker.ts'
import { fail, read, succeed } from './run-attempt.ts'

export interface BatchWorkerOptions extends Omit<QueueWorkerOptions, 'concurrency' | 'prefetch'> {
  readonly queue: AnyQueue
  /** How many jobs a batch has: a number, default 10, or a size that adapts to how long batches take. */
  readonly batchSize?: number | AdaptiveBatchOptions
  /** A smaller batch is worked on when its oldest job was collected so long ago. Default `'1s'`. */
  readonly maxWait?: Duration
}

/** One job of a batch with its context: its signal, its progress, its follow-ups. */
export interface BatchItem<J extends Job = Job> {
  readonly job: J
  readonly context: JobContext
}

/** What became of one job of a batch: an Error is a failed attempt, anything else its result. */
export type BatchResult = unknown

const RULES = {
  ...QUEUE_WORKER_RULES,
  batchSize: (value: unknown, option: string): AdaptiveBatchSize | number =>
    typeof value === 'object' && value !== null
      ? new AdaptiveBatchSize(value)
      : integer({ min: 1, max: 10_000, default: 10 })(value, option),
  maxWait: duration({ default: '1s' }),
}

/**
 * A queue worker that takes many jobs at a time.
 *
 *     class Indexer extends BatchWorker {
 *       override processBatch(items: readonly BatchItem<J>[]) { return index(items.map(({ job }) => job.payload)) }
 *     }
 *
 * `processBatch` gives a result for each job, in the same order. Each job is settled by its own result; when the
 * whole throws, each has failed with that error.
 */
export abstract class BatchWorker<J extends Job = Job> extends QueueWorker<J, BatchWorkerOptions> {
  readonly #size: AdaptiveBatchSize | number
  #batches = 0

  /** @throws InvalidOptionError naming the option. */
  constructor(options: BatchWorkerOptions) {
    const checked = checkOwnOptions('BatchWorker', RULES, options)
    const { batchSize, maxWait } = checked
    const size = typeof batchSize === 'number' ? () => batchSize : () => batchSize.size
    // A collected job must begin well within its lease.
    super(options, checked, batchGate(size, Math.min(maxWait, checked.lease / 3)))
    this.#size = batchSize
  }

  /** How many jobs the next batch has at the most. */
  get batchSize(): number {
    return typeof this.#size === 'number' ? this.#size : this.#size.size
  }

  /** How many batches were worked on. */
  get batchCount(): number {
    return this.#batches
  }

  /** Works on a batch. Returns a result for each job, in the same order. */
  abstract processBatch(
    items: readonly BatchItem<J>[],
  ): Promise<readonly BatchResult[]> | readonly BatchResult[]

  /** Hears of the results of a batch before they are settled. Default: nothing. */
  protected handleBatchResults(
    _items: readonly BatchItem<J>[],
    _results: readonly BatchResult[],
  ): void | Promise<void> {}

  override process(): never {
    throw new MillhandError('INVALID_STATE', `${this.name} works on batches, not on single jobs`)
  }

  protected override run(attempts: readonly Attempt[]): void {
    // An exception that nobody catches is blamed on the whole batch; each of its jobs is then a suspect, run alone.
    void within(attempts, () => this.#collect(attempts).then((items) => this.#work(items)))
  }

  /** Decodes and validates each job; leaves out what this worker cannot understand. */
  async #collect(attempts: readonly Attempt[]): Promise<Map<Attempt, Job>> {
    const { settings, jobs } = this.queue
    const known = await Promise.all(attempts.map(async (attempt) => read(attempt, settings, jobs)))
    const items = new Map<Attempt, Job>()
    for (const [index, job] of known.entries()) if (job !== undefined) items.set(attempts[index]!, job)
    return items
  }

  async #work(jobs: ReadonlyMap<Attempt, Job>): Promise<void> {
    if (jobs.size === 0) return
    const { settings } = this.queue
    const items = [...jobs].map(([attempt, job]): BatchItem<J> => ({
      job: job as J,
      context: attempt,
    }))
    const startedAt = performance.now()
    try {
      const results = await this.processBatch(items)
      checkResults(results, items.length, this.name)
      await this.handleBatchResults(items, results)
      for (const [index, attempt] of [...jobs.keys()].entries()) {
        const result = results[index]
        if (result instanceof Error) fail(attempt, settings, result)
        else succeed(attempt, settings, result)
      }
    } catch (error) {
      for (const attempt of jobs.keys()) fail(attempt, settings, error)
    }
    this.#batches++
    if (typeof this.#size !== 'number') this.#size.took(performance.now() - startedAt)
  }
}

function checkResults(results: unknown, expected: number, worker: string): void {
  if (Array.isArray(results) && results.length === expected) return
  const got = Array.isArray(results) ? `${results.length}` : show(results)
  // Not retried: which job each result belongs to cannot be known, and will not be the next time.
  throw new NonRetryableError(
    `expected processBatch of ${worker} to return ${expected} results, one for each job, got: ${got}`,
  )
}
