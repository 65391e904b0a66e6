import { BatchWorker, type BatchItem, type BatchResult, type JobOf } from 'millhand'
import { LEASE, type Parts } from '../parts.ts'
import type { Queues } from '../queues.ts'
import { analyzeCheck } from './check-analysis.ts'

type Check = JobOf<Queues['analysis']>

/** Analyses the failed checks that the monitor found: often many at a time, and none of them urgent. */
export class BatchCheckAnalyzer extends BatchWorker<Check> {
  readonly #parts: Parts

  constructor(parts: Parts) {
    super({
      name: 'batch-check-analyzer',
      queue: parts.queues.analysis,
      batchSize: { start: 10, min: 5, max: 50 },
      maxWait: '250ms',
      lease: LEASE,
      logger: parts.logger,
    })
    this.#parts = parts
  }

  override types(): string[] {
    return ['analyze_check_batch']
  }

  /** One that fails does not fail its neighbours: its error is its result. */
  override async processBatch(items: readonly BatchItem<Check>[]): Promise<BatchResult[]> {
    const outcomes = await Promise.allSettled(
      items.map(({ job, context }) => analyzeCheck(this.#parts, job.payload, context)),
    )
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))
  }
}
