import type { Duration } from '../core/duration.ts'
import { InvalidOptionError, show } from '../core/errors.ts'
import type { Emitter } from '../core/events.ts'
import type { KillCause, WorkerEvents } from '../core/telemetry.ts'
import type { WorkerState } from './lifecycle.ts'
import { inlineRunner } from './placement/inline.ts'
import type { AnyWorker, Runner, WorkerClass } from './placement/runner.ts'
import type { WorkerStatus } from './status.ts'
import { Worker } from './worker.ts'

/** The options of a worker class, left out only where its constructor allows that. */
export type OptionsOf<Class extends WorkerClass> = undefined extends ConstructorParameters<Class>[0]
  ? [options?: ConstructorParameters<Class>[0]]
  : [options: ConstructorParameters<Class>[0]]

/**
 * A worker as others see and steer it, with or without a Server.
 *
 *     const handle = new WorkerHandle(Watcher, { path: '/var/log/app.log' })
 *     await handle.start()
 */
export class WorkerHandle {
  readonly #runner: Runner

  /** @throws InvalidOptionError when `target` is neither a worker nor a class of workers, or for its options. */
  constructor(worker: AnyWorker)
  constructor(workerClass: WorkerClass, options?: object)
  constructor(target: AnyWorker | WorkerClass, options?: object) {
    if (!isWorker(target) && !isWorkerClass(target)) {
      throw new InvalidOptionError(
        'worker',
        `expected worker to be a Worker or a class that extends Worker, got: ${show(target)}`,
      )
    }
    this.#runner = inlineRunner(target, options)
  }

  get name(): string {
    return this.#runner.name
  }

  get id(): string {
    return this.#runner.id
  }

  get state(): WorkerState {
    return this.#runner.state
  }

  /** What its last life failed with. */
  get error(): Error | undefined {
    return this.#runner.error
  }

  get isRunning(): boolean {
    return this.status().isRunning
  }

  /** Work that waits for it, as far as it knows. */
  get queueSize(): number {
    return this.status().queueSize
  }

  get events(): Emitter<WorkerEvents> {
    return this.#runner.events
  }

  /** Resolves when it is set up; rejects with what setup threw. */
  start(): Promise<void> {
    return this.#runner.start()
  }

  /** Asks for a graceful end and waits for it, however long. Never rejects. */
  stop(): Promise<void> {
    return this.#runner.stop()
  }

  /** Gives it up; inline code that hangs cannot be ended, only left. Never rejects. */
  kill(cause: KillCause): Promise<void> {
    return this.#runner.kill(cause)
  }

  /** Waits for its end. @returns false when `timeout` was over first. */
  join(timeout?: Duration): Promise<boolean> {
    return this.#runner.join(timeout)
  }

  status(): WorkerStatus {
    return this.#runner.status()
  }
}

function isWorker(value: unknown): value is AnyWorker {
  return value instanceof Worker
}

function isWorkerClass(value: unknown): value is WorkerClass {
  return typeof value === 'function' && value.prototype instanceof Worker
}
