import type { QueueWorker } from 'millhand'
import { LEASE, type Parts } from '../parts.ts'
import { analyzeCheck } from './check-analysis.ts'

/** Analyses each check that was reported to have failed, at once. */
export function checkAnalyzer(parts: Parts): QueueWorker {
  return parts.queues.analysis.worker(
    { analyze_check: ({ payload }, context) => analyzeCheck(parts, payload, context) },
    { name: 'check-analyzer', lease: LEASE, logger: parts.logger },
  )
}
