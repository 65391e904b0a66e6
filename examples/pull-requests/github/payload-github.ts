import { NonRetryableError } from 'millhand'
import { hasFailed, type Check, type Pull, type Repository } from '../model.ts'
import type { Knowledge } from '../storage/knowledge.ts'
import type { GitHub } from './github.ts'

/** Answers from what the deliveries have said, so the service runs without a network and without a token. */
export class PayloadGitHub implements GitHub {
  readonly canPropose: boolean = false
  readonly #knowledge: Knowledge

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge
  }

  async openPulls({ id }: Repository): Promise<readonly Pull[]> {
    return this.#knowledge.pullsOf(id).filter(({ details }) => details?.state !== 'closed')
  }

  async pull({ id }: Repository, number: number): Promise<Pull | undefined> {
    return this.#knowledge.pullsOf(id).find((pull) => pull.number === number)
  }

  async failedChecks({ id }: Repository, sha: string): Promise<readonly Check[]> {
    return this.#knowledge.checksOf(id, sha).filter(hasFailed)
  }

  async propose(): Promise<void> {
    throw new NonRetryableError('a fix cannot be proposed to payloads; set GITHUB_TOKEN')
  }
}
