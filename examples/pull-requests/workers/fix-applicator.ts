import { NonRetryableError, type QueueWorker } from 'millhand'
import { LEASE, type Parts } from '../parts.ts'
import type { JobResult } from '../trail.ts'

/** From here on a fix is proposed on GitHub without a human looking at it first. */
const CONFIDENT = 0.8

/** Proposes fixes that are as good as certain where GitHub can be reached, and notes the others for a human. */
export function fixApplicator({ queues, bus, github, knowledge, results, logger }: Parts): QueueWorker {
  return queues.fixes.worker(
    {
      async apply_fix({ id, payload }, { signal }): Promise<JobResult> {
        const { pullRequestId, fixStrategy: strategy, fixContent: content, confidenceScore } = payload
        const pull = knowledge.pull(pullRequestId)
        const repository = pull && knowledge.repository(pull.repositoryId)
        if (pull === undefined || repository === undefined) {
          throw new NonRetryableError(`pull request ${pullRequestId} is not known`)
        }
        const isProposed = github.canPropose && confidenceScore >= CONFIDENT
        if (isProposed) await github.propose(repository, pull, { id, strategy, content }, signal)
        const outcome = isProposed ? 'proposed' : 'noted'
        const fix = { id, pullId: pull.id, strategy, content, confidence: confidenceScore, outcome } as const
        results.saveFix(fix)
        await bus.announce('fix.applied', { fix })
        return { followUps: [] }
      },
    },
    { name: 'fix-applicator', lease: LEASE, logger },
  )
}
