import type { Check, Pull, Repository } from '../model.ts'
import type { CheckRunEvent, PullReference, PullRequestEvent } from './payloads.ts'

/** What a payload says, in the words of the service. */

export function repositoryOf({ repository }: { repository: { id: number; full_name: string } }): Repository {
  return { id: repository.id, fullName: repository.full_name }
}

export function pullOf({ repository, pull_request: pull }: PullRequestEvent): Pull {
  return {
    id: pull.id,
    repositoryId: repository.id,
    number: pull.number,
    headSha: pull.head.sha,
    details: {
      title: pull.title,
      author: pull.user?.login ?? 'ghost',
      state: pull.state,
      draft: pull.draft,
      merged: pull.merged ?? false,
      changedFiles: pull.changed_files,
      changedLines: pull.additions + pull.deletions,
      updatedAt: pull.updated_at,
    },
  }
}

/** The pull requests that a check names, without those of forks, which GitHub names too. */
export function referencedPulls(repositoryId: number, references: readonly PullReference[]): Pull[] {
  return references
    .filter(({ base }) => base.repo.id === repositoryId)
    .map(({ id, number, head }) => ({ id, repositoryId, number, headSha: head.sha, details: null }))
}

export function checkOf({ repository, check_run: run }: CheckRunEvent): Check {
  const { title, summary, text } = run.output
  return {
    id: run.id,
    repositoryId: repository.id,
    headSha: run.head_sha,
    name: run.name,
    conclusion: run.conclusion,
    log: [title, summary, text].filter(Boolean).join('\n'),
  }
}
