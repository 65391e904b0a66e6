import { InvalidPayloadError, show, toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Outcome } from '../backend.ts'
import { encodedBytes } from '../codec.ts'
import type { ClaimedJob, Encoded, JobError } from '../job.ts'
import type { QueueSettings } from '../queue-options.ts'

/** What a handler that came to its end leads to, with its result as far as such are kept. */
export function done(
  attempt: { readonly logger: Logger },
  settings: QueueSettings,
  result: unknown,
): Extract<Outcome, { kind: 'done' }> {
  const keepMs = settings.retention.done
  if (keepMs === 0 || result === undefined) return { kind: 'done', result: null, keepMs }
  return { kind: 'done', result: encodeResult(attempt, settings, result), keepMs }
}

/** The work is done whatever its result looks like: one that cannot be kept is reported, and left out. */
function encodeResult(
  attempt: { readonly logger: Logger },
  { codec, maxPayloadBytes }: QueueSettings,
  result: unknown,
): Encoded | null {
  try {
    const encoded = codec.encode(result)
    if (encodedBytes(encoded, maxPayloadBytes) <= maxPayloadBytes) return encoded
    attempt.logger.warn({ maxPayloadBytes }, 'the result is larger than maxPayloadBytes and was not kept')
  } catch (err) {
    attempt.logger.warn({ err }, 'the result cannot be encoded and was not kept')
  }
  return null
}

/** What a failed attempt leads to: pure, so that every rule of it can be tested. */
export function failed(error: Error, job: ClaimedJob, settings: QueueSettings): Outcome {
  const { retry, retention } = settings
  const delayMs = retry.next(error, job.attempt, job.maxRetries ?? retry.maxRetries)
  if (delayMs !== undefined) return { kind: 'retry', again: { delayMs }, error: errorRecord(error) }
  return { kind: 'dead', error: errorRecord(error), keepMs: retention.dead }
}

/** The first wait of a job that this worker does not understand, and the longest. */
const HOLD_MS = 5_000
const MAX_HOLD_MS = 60_000

/**
 * What becomes of a job whose payload this worker cannot read or does not accept. A newer producer may have
 * written it for a newer worker, so it is held back for the grace period before it is dead.
 */
export function unreadable(error: Error, job: ClaimedJob, settings: QueueSettings, now: number): Outcome {
  const { unknownGrace, retention } = settings
  const heldMs = job.heldSince === null ? 0 : now - job.heldSince
  if (heldMs >= unknownGrace) return { kind: 'dead', error: errorRecord(error), keepMs: retention.dead }
  // Waits grow with the time it was held, and never go beyond the end of the grace.
  const wait = Math.min(Math.max(HOLD_MS, heldMs), MAX_HOLD_MS, unknownGrace - heldMs)
  return { kind: 'hold', again: { delayMs: wait }, error: errorRecord(error) }
}

const LONGEST = 4096

/** What is kept of an error. Works for anything that can be thrown; what cannot be read of it is left out. */
export function errorRecord(thrown: unknown): JobError {
  const error = toError(thrown)
  return {
    name: readable(() => textOf(error, 'name'), 'Error').slice(0, 200),
    message: readable(() => textOf(error, 'message'), 'it cannot be read').slice(0, LONGEST),
    code: readable(() => codeOf(error), null),
    stack: readable(() => stackOf(error), null),
  }
}

/** Getters of what user code throws may throw themselves. */
function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** These too can be anything that somebody assigned. */
function textOf(error: Error, part: 'name' | 'message'): string {
  const value: unknown = error[part]
  return String(value)
}

function codeOf(error: Error): string | null {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' || typeof code === 'number' ? String(code).slice(0, 200) : null
}

function stackOf(error: Error): string | null {
  // The issues say where; the stack of a failed validation only says that we validate.
  if (error instanceof InvalidPayloadError) return null
  let text = typeof error.stack === 'string' ? error.stack : ''
  const seen = new Set<unknown>([error])
  for (let cause = error.cause; cause !== undefined && !seen.has(cause) && text.length < LONGEST;) {
    seen.add(cause)
    text += `\ncaused by: ${cause instanceof Error ? (cause.stack ?? String(cause)) : show(cause)}`
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return text === '' ? null : text.slice(0, LONGEST)
}
