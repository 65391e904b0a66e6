import type { Job, JobContext, QueueWorker } from 'millhand'
import { hasFailed } from '../model.ts'
import { LEASE, type Parts } from '../parts.ts'
import { Trail, type JobResult } from '../trail.ts'
import { checkOf, pullOf, referencedPulls, repositoryOf } from '../webhooks/facts.ts'
import type { ReviewEvent } from '../webhooks/payloads.ts'

/** Learns what each delivery says, and announces what it means. */
export function deliveryWorker({ queues, bus, knowledge, logger }: Parts): QueueWorker {
  async function review(
    { payload }: Pick<Job<string, ReviewEvent>, 'payload'>,
    context: JobContext,
  ): Promise<JobResult> {
    const trail = new Trail(context)
    const pulls = referencedPulls(payload.repository.id, [payload.pull_request])
    knowledge.learnRepository(repositoryOf(payload))
    for (const pull of pulls) knowledge.learnPull(pull)
    await bus.announce('pulls.touched', { pulls, next: trail.next })
    return trail.result()
  }

  return queues.deliveries.worker(
    {
      async pull_request({ payload }, context) {
        const trail = new Trail(context)
        const pull = pullOf(payload)
        knowledge.learnRepository(repositoryOf(payload))
        knowledge.learnPull(pull)
        await bus.announce('pulls.touched', { pulls: [pull], next: trail.next })
        return trail.result()
      },

      pull_request_review: review,
      pull_request_review_comment: review,
      pull_request_review_thread: review,

      async check_run({ payload }, context) {
        const trail = new Trail(context)
        const check = checkOf(payload)
        const pulls = referencedPulls(check.repositoryId, payload.check_run.pull_requests)
        knowledge.learnRepository(repositoryOf(payload))
        knowledge.learnCheck(check)
        for (const pull of pulls) knowledge.learnPull(pull)
        if (payload.action === 'completed' && hasFailed(check)) {
          await bus.announce('check.failed', { check, pulls, next: trail.next })
        }
        return trail.result()
      },

      async check_suite({ payload }, context) {
        const trail = new Trail(context)
        const pulls = referencedPulls(payload.repository.id, payload.check_suite.pull_requests)
        knowledge.learnRepository(repositoryOf(payload))
        for (const pull of pulls) knowledge.learnPull(pull)
        if (payload.action === 'completed') await bus.announce('pulls.touched', { pulls, next: trail.next })
        return trail.result()
      },

      async push({ payload }, context) {
        const trail = new Trail(context)
        const repository = repositoryOf(payload)
        knowledge.learnRepository(repository)
        await bus.announce('repository.pushed', { repository, next: trail.next })
        return trail.result()
      },
    },
    { name: 'deliveries', lease: LEASE, logger },
  )
}
