import type { Member } from '../../../src/server/member.ts'
import { Supervisor } from '../../../src/server/supervisor.ts'
import type { SupervisorOptions } from '../../../src/server/supervisor-options.ts'
import { captureLogger, type CapturingLogger } from '../../../src/testing/index.ts'
import type { ScriptedMember } from './scripted-member.ts'
import { until } from '../../fixtures/until.ts'

export interface GivenUp {
  readonly name: string
  readonly error: Error
  readonly reason: string
}

export interface Minded {
  readonly supervisor: Supervisor
  readonly givenUp: GivenUp[]
  readonly logger: CapturingLogger
}

/** A supervisor that waits for a millisecond at most before it starts something again. */
export function minded(options: Partial<SupervisorOptions>, ...members: Member[]): Minded {
  const givenUp: GivenUp[] = []
  const logger = captureLogger()
  const supervisor = new Supervisor({
    ...{ strategy: 'one-for-one', stopTimeoutMs: 50, logger, intensity: 5, periodMs: 60_000 },
    ...{ backoffMs: 1, maxBackoffMs: 1, healthyMs: 60_000 },
    onGiveUp: ({ name }, error, reason) => void givenUp.push({ name, error, reason }),
    ...options,
  })
  for (const member of members) supervisor.add(member)
  supervisor.open()
  return { supervisor, givenUp, logger }
}

export async function startAll(supervisor: Supervisor): Promise<void> {
  for (const member of supervisor.members) await supervisor.start(member)
}

/** Resolves when the member is up in its so many-th life. */
export async function lives(member: ScriptedMember, count: number): Promise<void> {
  await until(() => member.lives === count && member.isAlive, { what: `life ${count} of ${member.name}` })
}
