import { formatMs } from '../../core/duration.ts'
import { JobTimeoutError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { QueueSettings } from '../queue-options.ts'
import type { Attempt } from './attempt.ts'
import { abortOutcome } from './run-attempt.ts'

/** A handler that was told to stop gets so long to do so by itself, before it is given up. */
export const ABORT_GRACE_MS = 1_000

/** Aborts an attempt that has run for longer than its timeout. */
export function enforceTimeout(attempt: Attempt, timeoutMs: number | null, now: number): void {
  if (timeoutMs === null || now - attempt.startedAt < timeoutMs) return
  attempt.abort(
    new JobTimeoutError(
      `job ${attempt.claimed.id} (${attempt.claimed.type}) did not end within its timeout of ${formatMs(timeoutMs)}; ` +
        'hand the signal of its context to whatever it waits for, or give the worker a longer timeout',
    ),
  )
}

/** Ends an attempt whose handler has gone on for too long after its signal was aborted. */
export function giveUpDeaf(attempt: Attempt, settings: QueueSettings, logger: Logger, now: number): void {
  const { abortedBy, abortedAt, claimed } = attempt
  if (attempt.isOver || abortedBy === undefined || now - abortedAt < ABORT_GRACE_MS) return
  logger.warn(
    { job: claimed.id, type: claimed.type, cause: abortedBy.message },
    'a handler goes on although its signal was aborted; it is given up, and what it does from now on is not counted',
  )
  attempt.end(abortOutcome(attempt, abortedBy, settings), abortedBy)
}
