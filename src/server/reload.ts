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
      await supervisor.renew(member)
    } catch (thrown) {
      const error = toError(thrown)
      const why = supervisor.isClosed ? 'the server is stopping' : `the new ${member.name} is not ready`
      logger.error({ worker: member.name, err: error }, `reload given up: ${why}`)
      throw error
    }
  }
}
