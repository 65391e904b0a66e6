import type { Logger } from '../core/logger.ts'
import type { Member } from './member.ts'
import type { RestartRules } from './restart-policy.ts'
import type { Strategy } from './strategy.ts'

export interface SupervisorOptions extends RestartRules {
  readonly strategy: Strategy
  /** What stopping members before they are started again may take, ms. */
  readonly stopTimeoutMs: number
  readonly logger: Logger
  /** A member is given up, and those that cannot live without it have ended. `reason` goes on from "it". */
  readonly onGiveUp: (member: Member, error: Error, reason: string) => void
}
