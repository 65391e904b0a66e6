import { ScheduledWorker, type Duration, type JobContext } from 'millhand'
import { LEASE, type Parts } from '../parts.ts'
import { PRIORITY } from '../queues.ts'
import { Trail, type JobResult } from '../trail.ts'

/**
 * Looks after all repositories, every 300 s unless told otherwise, in case a delivery never came. Each gets a job
 * of its own, so one that fails is tried again by itself and keeps none of the others waiting.
 */
export class RepositoryMonitor extends ScheduledWorker {
  readonly #parts: Parts

  constructor(parts: Parts, every: Duration = '300s') {
    const { backend } = parts.queues.monitor
    super({ name: 'repository-monitor', backend, every, lease: LEASE, logger: parts.logger })
    this.#parts = parts
  }

  override executeTask(_tick: Date, context: JobContext): Promise<JobResult> {
    const { knowledge, queues } = this.#parts
    const trail = new Trail(context)
    for (const { id } of knowledge.repositories()) {
      const job = { repositoryId: id, forceRefresh: false }
      void trail.next(queues.monitor, 'monitor_repository', job, { priority: PRIORITY.monitor })
    }
    return trail.result()
  }
}
