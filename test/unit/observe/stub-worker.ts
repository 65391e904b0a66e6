import { Emitter } from '../../../src/core/events.ts'
import type { FinishedAttempt, WorkerEvents } from '../../../src/core/telemetry.ts'
import type { Observable } from '../../../src/observe/observable.ts'

/** Something to observe, whose life is played by the test. */
export class StubWorker implements Observable {
  readonly id: string
  readonly name: string
  readonly events: Emitter<WorkerEvents>
  isRunning = true

  constructor(name = 'mail', onError?: (error: unknown) => void) {
    this.name = name
    this.id = `${name}-id`
    this.events = new Emitter<WorkerEvents>(onError)
  }

  startup(): void {
    this.isRunning = true
    this.events.emit('startup', { worker: this.name })
  }

  shutdown(error?: Error): void {
    this.isRunning = false
    this.events.emit('shutdown', { worker: this.name, error })
  }

  /** One event with an attempt for each outcome. */
  finish(...outcomes: FinishedAttempt['outcome'][]): void {
    this.attempts(outcomes.map((outcome) => attempt({ outcome })))
  }

  attempts(attempts: readonly FinishedAttempt[]): void {
    this.events.emit('attempts', { worker: this.name, queue: 'mail', attempts })
  }
}

export function attempt(given: Partial<FinishedAttempt> = {}): FinishedAttempt {
  const outcome = given.outcome ?? 'done'
  const failed = outcome === 'retry' || outcome === 'dead' || outcome === 'crash'
  return {
    id: 'job-1',
    type: 'welcome',
    outcome,
    error: failed ? new Error('no') : undefined,
    durationMs: 10,
    waitedMs: 5,
    attempt: 1,
    ...given,
  }
}

export const ALL_OUTCOMES: readonly FinishedAttempt['outcome'][] = [
  'done',
  'retry',
  'snooze',
  'hold',
  'dead',
  'cancelled',
  'release',
  'crash',
]
