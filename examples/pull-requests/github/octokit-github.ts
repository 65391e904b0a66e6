import { NonRetryableError } from 'millhand'
import { z } from 'zod'
import { hasFailed, type Check, type Fix, type Pull, type Repository } from '../model.ts'
import type { GitHub } from './github.ts'

/** The part of Octokit that is used. */
export interface OctokitClient {
  request(route: string, parameters: Record<string, unknown>): Promise<{ readonly data: unknown }>
  paginate(route: string, parameters: Record<string, unknown>): Promise<readonly unknown[]>
}

const listedPull = z.object({ id: z.int(), number: z.int(), head: z.object({ sha: z.string() }) })

const fullPull = z.object({
  ...listedPull.shape,
  title: z.string(),
  user: z.object({ login: z.string() }).nullable(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean().default(false),
  merged: z.boolean(),
  changed_files: z.int(),
  additions: z.int(),
  deletions: z.int(),
  updated_at: z.string(),
})

const checkRun = z.object({
  id: z.int(),
  name: z.string(),
  head_sha: z.string(),
  conclusion: z.string().nullable(),
  output: z.object({
    title: z.string().nullish(),
    summary: z.string().nullish(),
    text: z.string().nullish(),
  }),
})

const comment = z.object({ body: z.string().nullish() })

/** Asks GitHub itself. Octokit waits out rate limits; whatever else fails is tried again by the queue. */
export class OctokitGitHub implements GitHub {
  readonly canPropose: boolean
  readonly #octokit: OctokitClient

  /** @param options `propose: false`: only reads. */
  constructor(octokit: OctokitClient, options: { readonly propose: boolean }) {
    this.#octokit = octokit
    this.canPropose = options.propose
  }

  async openPulls(repository: Repository, signal: AbortSignal): Promise<readonly Pull[]> {
    const pulls = await this.#all('GET /repos/{owner}/{repo}/pulls', repository, { state: 'open' }, signal)
    return z
      .array(listedPull)
      .parse(pulls)
      .map(({ id, number, head }) => ({
        id,
        repositoryId: repository.id,
        number,
        headSha: head.sha,
        details: null,
      }))
  }

  async pull(repository: Repository, number: number, signal: AbortSignal): Promise<Pull | undefined> {
    const data = await this.#one('GET /repos/{owner}/{repo}/pulls/{number}', repository, { number }, signal)
    if (data === undefined) return undefined
    const pull = fullPull.parse(data)
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
        merged: pull.merged,
        changedFiles: pull.changed_files,
        changedLines: pull.additions + pull.deletions,
        updatedAt: pull.updated_at,
      },
    }
  }

  async failedChecks(repository: Repository, sha: string, signal: AbortSignal): Promise<readonly Check[]> {
    const route = 'GET /repos/{owner}/{repo}/commits/{sha}/check-runs'
    const runs = await this.#all(route, repository, { sha, filter: 'latest', status: 'completed' }, signal)
    return z
      .array(checkRun)
      .parse(runs)
      .filter(hasFailed)
      .map(({ id, name, head_sha, conclusion, output }) => ({
        id,
        repositoryId: repository.id,
        headSha: head_sha,
        name,
        conclusion,
        log: [output.title, output.summary, output.text].filter(Boolean).join('\n'),
      }))
  }

  /** As a comment, with a mark by which it is found when the job runs again. */
  async propose(repository: Repository, { number }: Pull, fix: Fix, signal: AbortSignal): Promise<void> {
    const route = '/repos/{owner}/{repo}/issues/{number}/comments'
    const mark = `<!-- millhand fix ${fix.id} -->`
    const comments = await this.#all(`GET ${route}`, repository, { number }, signal)
    if (
      z
        .array(comment)
        .parse(comments)
        .some(({ body }) => body?.includes(mark))
    )
      return
    const posted = await this.#one(
      `POST ${route}`,
      repository,
      { number, body: `${mark}\n${fix.content}` },
      signal,
    )
    if (posted === undefined)
      throw new NonRetryableError(`${repository.fullName}#${number} is not there any more`)
  }

  #one(route: string, repository: Repository, parameters: object, signal: AbortSignal): Promise<unknown> {
    return asked(repository, async (place) => {
      const { data } = await this.#octokit.request(route, { ...place, ...parameters, request: { signal } })
      return data
    })
  }

  async #all(
    route: string,
    repository: Repository,
    parameters: object,
    signal: AbortSignal,
  ): Promise<unknown> {
    const list = await asked(repository, (place) =>
      this.#octokit.paginate(route, { ...place, ...parameters, per_page: 100, request: { signal } }),
    )
    return list ?? []
  }
}

/** Undefined for what GitHub does not have; a refused token is not tried again. */
async function asked<T>(
  { fullName }: Repository,
  ask: (place: { owner: string; repo: string }) => Promise<T>,
): Promise<T | undefined> {
  const [owner = '', repo = ''] = fullName.split('/')
  try {
    return await ask({ owner, repo })
  } catch (error) {
    const status = (error as { status?: unknown }).status
    if (status === 404) return undefined
    if (status !== 401) throw error
    throw new NonRetryableError('GitHub refused the token; set GITHUB_TOKEN to a valid one', { cause: error })
  }
}
