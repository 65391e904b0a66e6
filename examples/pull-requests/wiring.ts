import type { ServiceBus } from './events.ts'
import type { Check, Pull } from './model.ts'
import { PRIORITY, type CheckAnalysis, type CheckPullRequest, type Queues } from './queues.ts'

/** Below it, a fix is not worth a human's time. */
const MIN_CONFIDENCE = 0.3

/**
 * Which event leads to which job. Each job is added with `next`, in one step with the end of the job that
 * published the event: a process that dies in between has either done both or will do both again.
 *
 * One check of one pull request is analysed once, whoever found it failing first, and one fix comes of it: their
 * ids say what they are about, and a second job of the same id is a duplicate.
 */
export function wire(bus: ServiceBus, { monitor, analysis, fixes }: Queues): void {
  bus.subscribe('repository.pushed', ({ repository, next }) => {
    const job = { repositoryId: repository.id, forceRefresh: true }
    void next(monitor, 'monitor_repository', job, { priority: PRIORITY.monitor })
  })

  bus.subscribe('pulls.touched', ({ pulls, next }) => {
    for (const pull of pulls) {
      void next(monitor, 'check_pull_request', lookAt(pull), { priority: PRIORITY.monitor })
    }
  })

  bus.subscribe('check.failed', ({ check, pulls, next }) => {
    for (const pull of pulls) {
      const id = `${check.id}:${pull.id}`
      void next(analysis, 'analyze_check', failure(check, pull), { id, priority: PRIORITY.analysis })
    }
  })

  for (const event of ['pr.created', 'pr.updated'] as const) {
    bus.subscribe(event, ({ pull, failedChecks, next }) => {
      for (const check of failedChecks) {
        const id = `${check.id}:${pull.id}`
        void next(analysis, 'analyze_check_batch', failure(check, pull), { id, priority: PRIORITY.analysis })
      }
    })
  }

  bus.subscribe(
    'check.analyzed',
    ({ analysis: { checkRunId, pullId, strategy, confidence }, content, next }) => {
      if (confidence < MIN_CONFIDENCE) return
      const job = {
        pullRequestId: pullId,
        fixStrategy: strategy,
        fixContent: content,
        confidenceScore: confidence,
      }
      void next(fixes, 'apply_fix', job, { id: `${checkRunId}:${pullId}`, priority: PRIORITY.fix })
    },
  )
}

function lookAt({ repositoryId, number }: Pull): CheckPullRequest {
  return { repositoryId, prNumber: number, forceRefresh: true }
}

function failure(check: Check, pull: Pull): CheckAnalysis {
  return {
    checkRunId: check.id,
    repositoryId: check.repositoryId,
    pullRequestId: pull.id,
    failureLogs: `${check.name}\n${check.log}`,
  }
}
