import { BatchWorker, type BatchItem, type BatchResult, type Queue } from 'millhand'
import { LEASE, type Parts } from '../parts.ts'
import type { CheckAnalysis } from '../queues.ts'
import { analyzeCheck } from './check-analysis.ts'

/** Analyses the failed checks that the monitor found: often many at a time, and none of them urgent. */
export class BatchCheckAnalyzer extends BatchWorker {
  readonly #parts: Parts

  constructor(parts: Parts) {
    super({
      name: 'batch-check-analyzer',
      queue: parts.queues.analysis as unknown as Queue,
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
  override async processBatch(items: readonly BatchItem[]): Promise<BatchResult[]> {
    const outcomes = await Promise.allSettled(
      items.map(({ job, context }) => analyzeCheck(this.#parts, job.payload as CheckAnalysis, context)),
    )
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))
  }
}
