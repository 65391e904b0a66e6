import { NonRetryableError, type QueueWorker } from 'millhand'
import type { Repository } from '../model.ts'
import { LEASE, type Parts } from '../parts.ts'
import { PRIORITY } from '../queues.ts'
import type { Knowledge } from '../storage/knowledge.ts'
import { Trail } from '../trail.ts'

/** Looks at repositories and at single pull requests, and keeps the results up to date. */
export function pullRequestMonitor({ queues, bus, github, knowledge, results, logger }: Parts): QueueWorker {
  return queues.monitor.worker(
    {
      async monitor_repository({ payload: { repositoryId, forceRefresh } }, context) {
        const trail = new Trail(context)
        const pulls = await github.openPulls(known(knowledge, repositoryId), context.signal)
        for (const { number } of pulls) {
          const job = { repositoryId, prNumber: number, forceRefresh }
          void trail.next(queues.monitor, 'check_pull_request', job, { priority: PRIORITY.monitor })
        }
        return trail.result()
      },

      async check_pull_request({ id, payload: { repositoryId, prNumber, forceRefresh } }, context) {
        const trail = new Trail(context)
        const repository = known(knowledge, repositoryId)
        const pull = await github.pull(repository, prNumber, context.signal)
        if (pull === undefined) {
          throw new NonRetryableError(`${repository.fullName} has no pull request #${prNumber}`)
        }
        knowledge.learnPull(pull)
        const change = results.savePull(repository, pull, id)
        if (change !== 'unchanged' || forceRefresh) {
          const failedChecks = await github.failedChecks(repository, pull.headSha, context.signal)
          const event = change === 'created' ? 'pr.created' : 'pr.updated'
          await bus.announce(event, { pull, failedChecks, next: trail.next })
        }
        return trail.result()
      },
    },
    { name: 'pull-request-monitor', lease: LEASE, logger },
  )
}

function known(knowledge: Knowledge, repositoryId: number): Repository {
  const repository = knowledge.repository(repositoryId)
  if (repository !== undefined) return repository
  throw new NonRetryableError(`repository ${repositoryId} was never named by a delivery`)
}
