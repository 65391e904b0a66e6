import { Queue, type Backend, type Logger } from 'millhand'
import { z } from 'zod'
import { EVENTS } from './webhooks/payloads.ts'

const monitorRepository = z.object({ repositoryId: z.int(), forceRefresh: z.boolean() })
const checkPullRequest = z.object({ ...monitorRepository.shape, prNumber: z.int() })

const checkAnalysis = z.object({
  checkRunId: z.int(),
  repositoryId: z.int(),
  pullRequestId: z.int(),
  failureLogs: z.string(),
})

const fixApplication = z.object({
  pullRequestId: z.int(),
  fixStrategy: z.string(),
  fixContent: z.string(),
  /** From 0, a guess, to 1, certain. */
  confidenceScore: z.number().min(0).max(1),
})

export type CheckPullRequest = z.infer<typeof checkPullRequest>
export type CheckAnalysis = z.infer<typeof checkAnalysis>

/** Which jobs are done first, where they share a worker: the nearer to a fix, the sooner. */
export const PRIORITY = { monitor: 1, analysis: 2, fix: 3 } as const

/** The four queues, in the order in which work flows through them. */
export type Queues = ReturnType<typeof createQueues>

/**
 * Done jobs are kept for three days, as long as GitHub lets anyone redeliver: for that long a delivery is known
 * by its id, and `audit` can find what became of it.
 */
export function createQueues(backend: Backend, logger: Logger) {
  const options = {
    backend,
    logger,
    dedupeWindow: '3d',
    retention: { done: '3d' },
    retry: { maxRetries: 3, baseDelay: '5s', jitter: 'equal' },
  } as const
  return {
    /** One job for each delivery that matters; its id is the delivery's. */
    deliveries: new Queue('deliveries', { ...options, jobs: EVENTS }),
    monitor: new Queue('monitor', {
      ...options,
      jobs: { monitor_repository: monitorRepository, check_pull_request: checkPullRequest },
    }),
    /** `analyze_check` is for a failure that was just reported, `analyze_check_batch` for those that were found. */
    analysis: new Queue('analysis', {
      ...options,
      jobs: { analyze_check: checkAnalysis, analyze_check_batch: checkAnalysis },
    }),
    fixes: new Queue('fixes', { ...options, jobs: { apply_fix: fixApplication } }),
  }
}
