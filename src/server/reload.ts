import { toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * Replaces the workers one at a time: each new one is ready before the next is touched.
 * @throws what a new one could not start for; those that come after it go on as they are.
 */
export async function reload(supervisor: Supervisor, logger: Logger): Promise<void> {
  for (const member of [...supervisor.members]) {
    try {
      await supervisor.renew(member, undefined, 'surge')
    } catch (thrown) {
      const error = toError(thrown)
      logger.error(
        { worker: member.name, err: error },
        `reload given up: the new ${member.name} is not ready`,
      )
      throw error
    }
  }
}
