import { EventBus, type JobContext, type Logger } from 'millhand'
import type { Check, Pull, Repository } from './model.ts'
import type { AnalysisResult, FixResult } from './storage/results.ts'

/** Adds a job when the job that published the event succeeds: both or neither. */
type Next = JobContext['followUp']

/** What happens in this service. Who publishes does not know who listens; `wiring.ts` does. */
export interface ServiceEvents {
  /** A delivery says that something about these pull requests is different now. */
  'pulls.touched': { readonly pulls: readonly Pull[]; readonly next: Next }
  /** A branch moved, and with it perhaps every pull request of the repository. */
  'repository.pushed': { readonly repository: Repository; readonly next: Next }
  /** A check of these pull requests has just failed. */
  'check.failed': { readonly check: Check; readonly pulls: readonly Pull[]; readonly next: Next }
  /** A pull request that was not known before, with the failed checks of its head. */
  'pr.created': { readonly pull: Pull; readonly failedChecks: readonly Check[]; readonly next: Next }
  'pr.updated': { readonly pull: Pull; readonly failedChecks: readonly Check[]; readonly next: Next }
  /** `content` is what to do about it, in Markdown. */
  'check.analyzed': { readonly analysis: AnalysisResult; readonly content: string; readonly next: Next }
  'fix.applied': { readonly fix: FixResult }
}

/** The bus, for workers: an event that a subscriber failed on fails the job, which then runs again. */
export class ServiceBus extends EventBus<ServiceEvents> {
  constructor(logger: Logger) {
    super({ logger })
  }

  /** Publishes, and throws what the first failing subscriber threw. */
  async announce<K extends keyof ServiceEvents>(event: K, value: ServiceEvents[K]): Promise<void> {
    const { failures } = await this.publish<K>(event, value)
    if (failures[0] !== undefined) throw failures[0].error
  }
}
