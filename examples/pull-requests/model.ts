/** What the service knows of the things on GitHub, in its own words. */

export interface Repository {
  readonly id: number
  /** `owner/name`. */
  readonly fullName: string
}

export interface Pull {
  /** GitHub's id, unique across repositories. */
  readonly id: number
  readonly repositoryId: number
  /** The number after the `#`, unique in its repository. */
  readonly number: number
  readonly headSha: string
  /** Null where only a reference to the pull request was seen so far, as in the payload of a check. */
  readonly details: PullDetails | null
}

export interface PullDetails {
  readonly title: string
  readonly author: string
  readonly state: 'open' | 'closed'
  readonly draft: boolean
  readonly merged: boolean
  readonly changedFiles: number
  /** Added and deleted lines together. */
  readonly changedLines: number
  /** ISO 8601, UTC: GitHub's own time of the last change. */
  readonly updatedAt: string
}

export interface Check {
  readonly id: number
  readonly repositoryId: number
  readonly headSha: string
  readonly name: string
  /** How it ended; null while it has not. */
  readonly conclusion: string | null
  /** What it reported, as text. */
  readonly log: string
}

const FAILED = new Set(['failure', 'timed_out', 'startup_failure'])

/** True when the check ended in a way that a change of the code could cure. */
export function hasFailed({ conclusion }: Pick<Check, 'conclusion'>): boolean {
  return conclusion !== null && FAILED.has(conclusion)
}

/** A remedy for a failed check. */
export interface Fix {
  /** The job that applies it: applying it twice under one id changes nothing more. */
  readonly id: string
  readonly strategy: string
  /** What to do, in Markdown. */
  readonly content: string
}
