import { formatMs } from '../core/duration.ts'
import type { Logger } from '../core/logger.ts'
import type { FinishedAttempt, WorkerEvents } from '../core/telemetry.ts'
import type { Observable } from './observable.ts'

/** A line names at most so many jobs; `count` tells of the rest. */
const MAX_NAMED = 20

/**
 * Writes what happens to a worker into a log, with fields for machines and a sentence for people. The returned
 * function ends it. Every line carries `worker` and `workerId`.
 *
 *     const stopLogging = logEvents(mailWorker, pino())
 *
 * What ended well is logged at debug, and only by a logger whose `isLevelEnabled('debug')` says that it wants
 * it: otherwise a done job costs one look at its outcome.
 */
export function logEvents(worker: Observable, logger: Logger): () => void {
  const { events } = worker
  const log = logger.child({ worker: worker.name, workerId: worker.id })
  const subscriptions = [
    events.on('startup', () => log.info({}, 'worker started')),
    events.on('shutdown', ({ error }) => {
      if (error === undefined) log.info({}, 'worker stopped')
      else log.error({ err: error }, 'worker stopped with an error')
    }),
    events.on('error', ({ error }) => log.error({ err: error }, 'worker error')),
    events.on('restart', ({ cause, restarts }) =>
      log.warn({ restarts, ...(cause && { err: cause }) }, 'worker restarted'),
    ),
    events.on('stalled', ({ cause, forMs }) =>
      log.warn({ cause, forMs }, `worker has not answered for ${formatMs(forMs)}`),
    ),
    events.on('killed', ({ cause }) => log.error({ cause: cause.kind, err: cause.error }, 'worker killed')),
    events.on('attempts', (event) => logAttempts(log, event)),
    events.on('stale', ({ queue, jobs }) =>
      log.warn({ queue, ...named(jobs) }, 'outcomes came after the lease was lost; the jobs may run twice'),
    ),
    events.on('reaped', (event) => logReaped(log, event)),
    events.on('unhandled', ({ queue, type, forMs }) =>
      log.warn({ queue, type, forMs }, `nobody has handled jobs of type "${type}" for ${formatMs(forMs)}`),
    ),
    events.on('backend', ({ queue, up, error }) => {
      // The good news goes where the bad went, or a log of warnings would end with the outage.
      if (up) log.warn({ queue }, 'the store can be used again')
      else log.error({ queue, ...(error && { err: error }) }, 'the store cannot be used')
    }),
    events.on('silent', ({ queue, forMs }) =>
      log.error(
        { queue, forMs },
        `the store has not answered for ${formatMs(forMs)}; it is connected to anew`,
      ),
    ),
    events.on('tick', ({ tick, missed }) => {
      if (missed > 0) log.warn({ tick, missed }, `the schedule missed ${missed} runs`)
      else if (log.isLevelEnabled?.('debug')) log.debug({ tick }, 'schedule ticked')
    }),
  ]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}

function logAttempts(log: Logger, { queue, attempts }: WorkerEvents['attempts']): void {
  const debug = log.isLevelEnabled?.('debug') ?? false
  for (const attempt of attempts) {
    switch (attempt.outcome) {
      case 'dead':
        log.error(fields(queue, attempt), 'job is dead')
        break
      case 'crash':
        log.error(fields(queue, attempt), 'job crashed its worker')
        break
      case 'retry':
        log.info(fields(queue, attempt), 'attempt failed; it will be tried again')
        break
      case 'done':
      case 'snooze':
      case 'hold':
      case 'cancelled':
      case 'release':
        if (debug) log.debug(fields(queue, attempt), `attempt ended: ${attempt.outcome}`)
    }
  }
}

function fields(queue: string, attempt: FinishedAttempt): object {
  const { id, type, outcome, error, durationMs, waitedMs, attempt: number } = attempt
  const numbers = { attempt: number, durationMs, waitedMs }
  return { queue, job: id, type, outcome, ...numbers, ...(error && { err: error }) }
}

function logReaped(log: Logger, event: WorkerEvents['reaped']): void {
  const { queue, returned, crashed, dead } = event
  if (crashed.length + dead.length === 0) {
    if (returned > 0) log.info({ queue, returned }, 'jobs of a dead worker wait again')
    return
  }
  const fields = { queue, returned, crashed: named(crashed), dead: named(dead) }
  const text = 'a worker died while it ran jobs'
  if (dead.length > 0) log.error(fields, text)
  else log.warn(fields, text)
}

function named(jobs: readonly string[]): { readonly jobs: readonly string[]; readonly count: number } {
  return { jobs: jobs.slice(0, MAX_NAMED), count: jobs.length }
}
