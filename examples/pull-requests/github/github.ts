import type { Check, Fix, Pull, Repository } from '../model.ts'

/**
 * What the service asks of GitHub. There are two answers: `PayloadGitHub`, from what deliveries have said, and
 * `OctokitGitHub`, from GitHub itself.
 *
 * What cannot be cured by asking again is thrown as a NonRetryableError. `signal` ends a call that is no longer
 * wanted.
 */
export interface GitHub {
  /** Whether anybody would see a proposal. */
  readonly canPropose: boolean
  /** All open pull requests of a repository. They may lack details. */
  openPulls(repository: Repository, signal: AbortSignal): Promise<readonly Pull[]>
  /** One pull request, with all details that are known; undefined when there is none of that number. */
  pull(repository: Repository, number: number, signal: AbortSignal): Promise<Pull | undefined>
  /** The failed checks of one commit. */
  failedChecks(repository: Repository, sha: string, signal: AbortSignal): Promise<readonly Check[]>
  /** Proposes a fix on the pull request. Doing it again with the same `fix.id` changes nothing. */
  propose(repository: Repository, pull: Pull, fix: Fix, signal: AbortSignal): Promise<void>
}
