import {
  InvalidPayloadError,
  JobCancelledError,
  JobTimeoutError,
  LeaseLostError,
  MillhandError,
  ShutdownError,
  toError,
} from '../../core/errors.ts'
import { systemClock } from '../../core/clock.ts'
import type { Outcome } from '../backend.ts'
import type { ClaimedJob } from '../job.ts'
import type { QueueSettings } from '../queue-options.ts'
import { schemaOf, validate, type JobSchemas } from '../schema.ts'
import { jobView, type Attempt } from './attempt.ts'
import { Later, type Job } from './handler.ts'
import { done, failed, unreadable } from './outcome.ts'

/**
 * The way of one attempt: decode, validate, run, outcome. Steps that need not wait do not: a synchronous schema
 * and handler cost no promise at all.
 */
export function runAttempt(
  attempt: Attempt,
  settings: QueueSettings,
  jobs: JobSchemas | undefined,
  handle: (job: Job, attempt: Attempt) => unknown,
): void {
  const run = (job: Job): void => {
    try {
      const result = handle(job, attempt)
      if (isThenable(result)) {
        result.then(
          (value) => succeed(attempt, settings, value),
          (error: unknown) => fail(attempt, settings, error),
        )
      } else succeed(attempt, settings, result)
    } catch (error) {
      fail(attempt, settings, error)
    }
  }
  const job = read(attempt, settings, jobs)
  if (job instanceof Promise) void job.then((known) => known && run(known))
  else if (job !== undefined) run(job)
}

/**
 * Decodes and validates. Undefined when this worker cannot understand the job: then its attempt has ended. A
 * promise only when the schema is asynchronous; it does not reject.
 */
export function read(
  attempt: Attempt,
  settings: QueueSettings,
  jobs: JobSchemas | undefined,
): Job | undefined | Promise<Job | undefined> {
  const { claimed } = attempt
  const refuse = (error: unknown): undefined => refuseUnread(attempt, settings, toError(error))
  const view = (payload: unknown): Job => jobView(attempt, payload, settings.retry.maxRetries)
  try {
    const payload = decode(claimed, settings, jobs)
    return payload instanceof Promise ? payload.then(view, refuse) : view(payload)
  } catch (error) {
    return refuse(error)
  }
}

/** Ends an attempt at a job that this worker does not understand. */
export function refuseUnread(attempt: Attempt, settings: QueueSettings, cause: Error): undefined {
  attempt.end(unreadable(cause, attempt.claimed, settings, systemClock.wall()), cause)
}

/**
 * The payload of a job, validated. A promise only when the schema is asynchronous.
 * @throws InvalidPayloadError, or what the codec throws.
 */
export function decode(
  { id, type, codec, payload }: Pick<ClaimedJob, 'id' | 'type' | 'codec' | 'payload'>,
  settings: QueueSettings,
  jobs: JobSchemas | undefined,
): unknown {
  if (codec !== settings.codec.name) {
    throw new InvalidPayloadError(
      `expected the payload of job ${id} to be encoded by "${settings.codec.name}", got: "${codec}"`,
    )
  }
  const decoded = settings.codec.decode(payload)
  const schema = schemaOf(jobs, type)
  return schema === undefined ? decoded : validate(schema, type, decoded)
}

/** Ends an attempt whose handler came to its end. Late but complete is complete. */
export function succeed(attempt: Attempt, settings: QueueSettings, result: unknown): void {
  const later = laterOf(result)
  if (later !== undefined) attempt.end({ kind: 'snooze', again: later.again })
  else if (attempt.hasFollowUps && !attempt.isCompleted) {
    attempt.followUpsReady().then(
      () => attempt.end(done(attempt, settings, result)),
      (error: unknown) => fail(attempt, settings, error),
    )
  } else attempt.end(done(attempt, settings, result))
}

/** Ends an attempt whose handler threw. What it threw because its signal was aborted counts as that. */
export function fail(attempt: Attempt, settings: QueueSettings, thrown: unknown): void {
  const later = laterOf(thrown)
  if (later !== undefined) {
    attempt.end({ kind: 'snooze', again: later.again })
    return
  }
  const { abortedBy } = attempt
  if (abortedBy !== undefined) {
    attempt.end(abortOutcome(attempt, abortedBy, settings), abortedBy)
    return
  }
  const error = readable(thrown)
  attempt.end(failed(error, attempt.claimed, settings), error)
}

/** What an aborted attempt leads to when its handler did not finish all the same. */
export function abortOutcome(attempt: Attempt, reason: Error, settings: QueueSettings): Outcome | null {
  if (reason instanceof JobCancelledError) return null
  if (reason instanceof JobTimeoutError) return failed(reason, attempt.claimed, settings)
  if (reason instanceof LeaseLostError || reason instanceof ShutdownError) return { kind: 'release' }
  throw new MillhandError('INVALID_STATE', `unexpected reason of an abort: ${reason.message}`)
}

/** Asking a hostile proxy what it is may throw, and the attempt must end all the same. */
function laterOf(value: unknown): Later | undefined {
  try {
    return value instanceof Later ? value : undefined
  } catch {
    return undefined
  }
}

/** An Error for anything thrown, even when looking at it throws. */
function readable(thrown: unknown): Error {
  try {
    return toError(thrown)
  } catch {
    return new Error('an error that cannot be read was thrown')
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
