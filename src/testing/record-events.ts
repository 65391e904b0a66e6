import type { Emitter } from '../core/events.ts'
import type { FinishedAttempt, WorkerEvents } from '../core/telemetry.ts'

/** One event, with its name. */
export type RecordedEvent = {
  [K in keyof WorkerEvents]: { readonly event: K; readonly value: WorkerEvents[K] }
}[keyof WorkerEvents]

export interface EventRecord {
  /** All events so far, in the order in which they were emitted. Grows. */
  readonly all: readonly RecordedEvent[]
  /** The names of the events so far: `['startup', 'attempts', 'shutdown']`. */
  names(): (keyof WorkerEvents)[]
  /** What the events of one name carried. */
  of<K extends keyof WorkerEvents>(event: K): WorkerEvents[K][]
  /** All attempts, whatever the batches they came in. */
  attempts(): FinishedAttempt[]
  /** Their outcomes: `['done', 'retry', 'done']`. */
  outcomes(): FinishedAttempt['outcome'][]
  /** Ends the recording; what was recorded stays. */
  stop(): void
}

/** A table, so that an event which is added to the vocabulary cannot be forgotten here. */
const EVENTS: Readonly<Record<keyof WorkerEvents, true>> = {
  startup: true,
  shutdown: true,
  error: true,
  restart: true,
  stalled: true,
  killed: true,
  attempts: true,
  stale: true,
  reaped: true,
  unhandled: true,
  backend: true,
  silent: true,
  tick: true,
  message: true,
  usage: true,
}

/**
 * Keeps every event that a worker emits from now on.
 *
 *     const events = recordEvents(worker)
 *     await worker.start()
 *     await until(() => events.attempts().length === 1)
 *     assert.deepEqual(events.outcomes(), ['done'])
 */
export function recordEvents(worker: { readonly events: Pick<Emitter<WorkerEvents>, 'on'> }): EventRecord {
  const all: RecordedEvent[] = []
  const subscriptions = (Object.keys(EVENTS) as (keyof WorkerEvents)[]).map((event) =>
    worker.events.on(event, (value) => void all.push({ event, value } as RecordedEvent)),
  )
  const of = <K extends keyof WorkerEvents>(event: K): WorkerEvents[K][] =>
    all.filter((recorded) => recorded.event === event).map(({ value }) => value as WorkerEvents[K])
  const attempts = (): FinishedAttempt[] => of('attempts').flatMap((batch) => batch.attempts)
  return {
    all,
    names: () => all.map(({ event }) => event),
    of,
    attempts,
    outcomes: () => attempts().map(({ outcome }) => outcome),
    stop: () => {
      for (const unsubscribe of subscriptions) unsubscribe()
    },
  }
}
