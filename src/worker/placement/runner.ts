import type { Duration } from '../../core/duration.ts'
import type { Emitter } from '../../core/events.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import type { Restart, WorkerState } from '../lifecycle.ts'
import type { WorkerStatus } from '../status.ts'
import type { Worker } from '../worker.ts'

/** Any worker, whatever its options and context. */
export type AnyWorker = Worker<object, object>

/** A class of workers, to be made where they are placed. */
export type WorkerClass = new (options: never) => AnyWorker

/**
 * The contract of a placement: one worker as its supervisor sees it, wherever its code runs.
 * Nothing here reaches into the worker, so that it may as well be in another thread or process.
 */
export interface Runner {
  readonly name: string
  readonly id: string
  readonly state: WorkerState
  /** What the last life failed with. */
  readonly error: Error | undefined
  /** What the worker emits, on the supervisor's side. */
  readonly events: Emitter<WorkerEvents>
  /** Resolves when the worker is set up; rejects with what setup threw. */
  start(restart?: Restart): Promise<void>
  /** Hands a message to the worker's `receive`. @throws StateError when it is neither running nor stopping. */
  send(message: unknown): void
  /** Asks it to take no new work, without ending; `resume` takes that back. */
  quiet(): void
  resume(): void
  /** Asks for a graceful end and waits for it; never rejects. */
  stop(): Promise<void>
  /** Gives it up. Resolves when all that can be done is done; never rejects. */
  kill(cause: KillCause): Promise<void>
  /** True when it has ended, false when `timeout` was over first. */
  join(timeout?: Duration): Promise<boolean>
  status(): WorkerStatus
}
