import type { Knowledge } from '../storage/knowledge.ts'
import type { GitHub } from './github.ts'
import { OctokitGitHub } from './octokit-github.ts'
import { PayloadGitHub } from './payload-github.ts'

/** GitHub itself with a token, else what the deliveries say of it. Octokit is loaded only when it is used. */
export async function chooseGitHub(
  token: string | undefined,
  knowledge: Knowledge,
  options: { readonly propose: boolean },
): Promise<GitHub> {
  if (token === undefined || token === '') return new PayloadGitHub(knowledge)
  const { Octokit } = await import('octokit')
  return new OctokitGitHub(new Octokit({ auth: token }), options)
}
