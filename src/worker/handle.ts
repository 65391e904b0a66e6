import { formatMs, toMs, type Duration } from '../core/duration.ts'
import {
  InvalidOptionError,
  MillhandError,
  ShutdownError,
  StateError,
  UnsupportedError,
  show,
} from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { checkOptions } from '../core/options.ts'
import { settledWithin } from '../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../core/telemetry.ts'
import type { Restart, WorkerState } from './lifecycle.ts'
import { makeRunner } from './placement/make-runner.ts'
import {
  PLACEMENT_RULES,
  type CheckedPlacement,
  type PlacementOptions,
} from './placement/placement-options.ts'
import type { AnyWorker, Runner, WorkerClass } from './placement/runner.ts'
import type { Placement, WorkerStatus } from './status.ts'
import { Worker } from './worker.ts'

/** The options of a worker class, left out only where its constructor allows that. */
export type OptionsOf<Class extends WorkerClass> = undefined extends ConstructorParameters<Class>[0]
  ? [options?: ConstructorParameters<Class>[0]]
  : [options: ConstructorParameters<Class>[0]]

/**
 * A worker as others see and steer it, with or without a Server, wherever its code runs.
 *
 *     const handle = new WorkerHandle(HashCalculator, { root: '/srv/files' })
 *     await handle.start()
 *
 * It stays the same when the worker is started again or replaced; so do those who listen to its events.
 */
export class WorkerHandle {
  readonly events: Emitter<WorkerEvents>
  readonly #settings: CheckedPlacement
  readonly #make: (() => Runner) | undefined
  #runner: Runner
  /** Beside the present one: its successor while that starts, its predecessor while that ends. */
  readonly #others = new Set<Runner>()
  #isQuiet = false
  /** How often a stop or kill was asked. */
  #ends = 0

  /**
   * @throws InvalidOptionError when `target` is neither a worker nor a class of workers, for its options, and when
   * a class of a thread or process cannot be found there.
   */
  constructor(worker: AnyWorker, options?: undefined, placement?: PlacementOptions)
  constructor(workerClass: WorkerClass, options?: object, placement?: PlacementOptions)
  constructor(target: AnyWorker | WorkerClass, options?: object, placement?: PlacementOptions) {
    this.#settings = checkOptions('WorkerHandle', PLACEMENT_RULES, placement)
    if (isWorker(target)) {
      this.#make = undefined
      this.#runner = target
      this.events = target.events
    } else if (isWorkerClass(target)) {
      this.events = new Emitter()
      this.#make = makeRunner(target, options, this.#settings, this.events)
      this.#runner = this.#make()
    } else {
      throw new InvalidOptionError(
        'worker',
        `expected worker to be a Worker or a class that extends Worker, got: ${show(target)}`,
      )
    }
  }

  get name(): string {
    return this.#runner.name
  }

  /** Of the present worker: another one after a restart in a thread or process. */
  get id(): string {
    return this.#runner.id
  }

  get placement(): Placement {
    return this.status().placement
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

  /** True when it can be made anew beside itself: it was given as a class. */
  get isReplaceable(): boolean {
    return this.#make !== undefined
  }

  /** Work that waits for it, as far as it knows. */
  get queueSize(): number {
    return this.status().queueSize
  }

  /**
   * Resolves when it is set up; rejects with what setup threw, and when `startTimeout` is over, after which it is
   * killed.
   */
  async start(restart?: Restart): Promise<void> {
    await this.#begin(this.#runner, restart)
  }

  /**
   * Asks for a graceful end and waits for it. Never rejects.
   * @param options.timeout after that it is killed. Default: its `stopTimeout`.
   */
  async stop(options: { readonly timeout?: Duration | 'none' } = {}): Promise<void> {
    const { timeout } = options
    const ms = timeout === undefined ? this.#stopMs : timeout === 'none' ? Infinity : toMs(timeout, 'timeout')
    this.#ends++
    await Promise.all(this.#all().map((runner) => stopWithin(runner, ms)))
  }

  /** Asks it to take no new work, without ending; also those that replace it. */
  quiet(): void {
    this.#isQuiet = true
    for (const runner of this.#all()) runner.quiet()
  }

  /** It takes work again. */
  resume(): void {
    this.#isQuiet = false
    for (const runner of this.#all()) runner.resume()
  }

  /**
   * Hands it a message: `receive(message)` of the worker. What it sends back is the event `message`. While it stops it
   * may still need an answer; what comes after the end of its main is heard by nobody.
   * @throws StateError when it is neither running nor stopping; InvalidOptionError when the message cannot be copied there.
   */
  send(message: unknown): void {
    this.#runner.send(message)
  }

  /** Gives it up: a thread or process ends within about a second; inline code that hangs can only be left. Never rejects. */
  async kill(cause: KillCause): Promise<void> {
    this.#ends++
    await Promise.all(this.#all().map((runner) => runner.kill(cause)))
  }

  /** Waits for its end; one that is replaced goes on in its successor. @returns false when `timeout` was over first. */
  async join(timeout?: Duration): Promise<boolean> {
    const end = timeout === undefined ? undefined : performance.now() + toMs(timeout, 'timeout')
    while (true) {
      const runner = this.#runner
      const left = end === undefined ? undefined : Math.max(0, end - performance.now())
      if (!(await runner.join(left))) return false
      if (runner === this.#runner) return true
    }
  }

  /**
   * Replaces the worker by a new one of its class, which is ready before the old one is asked to stop. Resolves when
   * the old one has ended.
   * @throws what the new one could not start for, and the old one then goes on; StateError when it is being replaced
   * already, and when it was stopped or killed meanwhile.
   */
  async surge(restart: Restart): Promise<void> {
    if (this.#make === undefined) {
      throw new UnsupportedError(
        `worker ${this.name} was given as an instance, of which there cannot be two; add its class, or replace it`,
      )
    }
    if (this.#others.size > 0) throw new StateError(`worker ${this.name} is being replaced already`)
    const ends = this.#ends
    const [old, next] = [this.#runner, this.#make()]
    this.#others.add(next)
    try {
      await this.#begin(next, restart)
    } finally {
      this.#others.delete(next)
    }
    if (this.#ends > ends) {
      throw new StateError(`worker ${this.name} was stopped while its successor was started`)
    }
    this.#runner = next
    this.#others.add(old)
    await stopWithin(old, this.#stopMs)
    this.#others.delete(old)
  }

  status(): WorkerStatus {
    return this.#runner.status()
  }

  get #stopMs(): number {
    return this.#settings.stopTimeout ?? (this.#runner.status().placement === 'inline' ? Infinity : 30_000)
  }

  #all(): Runner[] {
    return [this.#runner, ...this.#others]
  }

  /** @throws what it could not start for. */
  async #begin(runner: Runner, restart: Restart | undefined): Promise<void> {
    const started = runner.start(restart)
    // At once, so that it takes no work before; a start takes `quiet` back.
    if (this.#isQuiet) runner.quiet()
    if (await settledWithin(started, this.#settings.startTimeout)) await started
    else await this.#giveUp(runner)
  }

  /** @throws always */
  async #giveUp(runner: Runner): Promise<never> {
    const error = new MillhandError(
      'START_TIMEOUT',
      `worker ${runner.name} was not set up within ${formatMs(this.#settings.startTimeout)}: loading its module or its ` +
        'setup() does not end; give it more time with startTimeout',
    )
    await runner.kill({ kind: 'deadline', error })
    throw error
  }
}

/** Asks, and kills after `ms`. */
async function stopWithin(runner: Runner, ms: number): Promise<void> {
  const stopped = runner.stop()
  if (ms === Infinity || (await settledWithin(stopped, ms))) return stopped
  const error: MillhandError = new ShutdownError(
    `worker ${runner.name} did not stop within ${formatMs(ms)}: look at this.isRunning in every loop, hand ` +
      'this.signal to whatever waits, or give it more time with stopTimeout',
  )
  await runner.kill({ kind: 'deadline', error })
}

function isWorker(value: unknown): value is AnyWorker {
  return value instanceof Worker
}

function isWorkerClass(value: unknown): value is WorkerClass {
  return typeof value === 'function' && value.prototype instanceof Worker
}
