import { formatMs } from '../../core/duration.ts'
import { JobTimeoutError } from '../../core/errors.ts'
import type { Handling } from './handling.ts'
import type { RouteLane } from './route-lane.ts'

/** A handler that was told to stop gets so long to do so by itself, before it is given up. */
export const ABORT_GRACE_MS = 1000

/**
 * Aborts the attempts that have run for longer than their time; those that go on all the same are given up.
 * @param giveUp called with the reason of the abort.
 */
export function enforceTimeouts(
  lanes: Iterable<RouteLane>,
  giveUp: (handling: Handling, reason: Error) => void,
): void {
  const now = performance.now()
  for (const lane of lanes) {
    for (const handling of lane.running) {
      const { abortedFor, startedAt } = handling
      // It waits for a retry, for its dead letter or for an ack(), and nothing runs.
      if (startedAt === Infinity) continue
      if (abortedFor === undefined) {
        if (now - startedAt >= lane.timeoutMs) handling.abort(timedOut(lane), now)
      } else if (now - handling.abortedAt >= ABORT_GRACE_MS) giveUp(handling, abortedFor)
    }
  }
}

function timedOut({ route, timeoutMs }: RouteLane): Error {
  return new JobTimeoutError(
    `the handler of ${route.filter} did not end within its timeout of ${formatMs(timeoutMs)}; hand the signal of its ` +
      'context to whatever it waits for, or give the route a longer timeout',
  )
}
