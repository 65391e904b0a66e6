import { availableParallelism } from 'node:os'
import type { Duration } from '../../core/duration.ts'
import { BackendError, InvalidOptionError, StateError, toError } from '../../core/errors.ts'
import {
  boolean,
  checkOwnOptions,
  custom,
  duration,
  integer,
  oneOf,
  optional,
  string,
  type Rule,
} from '../../core/options.ts'
import { toMs } from '../../core/duration.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause } from '../../core/telemetry.ts'
import { logEvents } from '../../observe/log-events.ts'
import type { Placement } from '../../worker/status.ts'
import { Worker } from '../../worker/worker.ts'
import type { WorkerOptions } from '../../worker/worker-options.ts'
import type { AnyQueue } from '../any-queue.ts'
import { within, type Attempt } from './attempt.ts'
import { Consumer } from './consumer.ts'
import { singleGate, type Gate } from './gate.ts'
import type { Job, JobContext } from './handler.ts'
import { runAttempt } from './run-attempt.ts'

export interface QueueWorkerOptions extends WorkerOptions {
  /** How many jobs run at once. Default 5. */
  readonly concurrency?: number
  /**
   * The longest time of one attempt. When it is over, the handler's signal aborts and the attempt has failed.
   * Default `'5m'`; `'none'`: no limit, the lease is renewed for as long as the worker lives.
   */
  readonly timeout?: Duration | 'none'
  /**
   * After so long without a sign of life of this worker its jobs are given to others. Renewed three times in
   * that span. Default `'30s'`.
   */
  readonly lease?: Duration
  /**
   * Whether jobs are claimed shortly before there is a place for them, as many as are done in 50 ms at the most, so
   * that handlers do not wait for the store. False: nothing is held that does not run, and a place that came free is
   * filled only with or after the settle of the job that had it. Default true.
   */
  readonly prefetch?: boolean
  /**
   * Where handlers run: on this event loop, in threads, or in processes. Only for `queue.worker()`, and with
   * `module`. A handler that blocks, crashes or grows then does so apart from everything else. Default `'inline'`.
   */
  readonly placement?: Placement
  /** The file that exports the worker, for its threads and processes: `import.meta.url`. */
  readonly module?: string
  /** How many threads or processes. Default: as many as there are cores, but no more than `concurrency`. */
  readonly workers?: number
}

/** What a drain did. */
export interface DrainReport {
  /** Jobs that were done. */
  readonly processed: number
  /** Attempts that failed. */
  readonly failed: number
  /** The time was over before the queue was empty. */
  readonly timedOut: boolean
}

const timeout: Rule<number | null> = (value = '5m', option) =>
  value === 'none' ? null : duration({ default: '5m', min: 1 })(value, option)

/** The rules of the options that all queue workers share. */
export const QUEUE_WORKER_RULES: {
  readonly queue: Rule<AnyQueue>
  readonly name: Rule<string | undefined>
  readonly logger: Rule<unknown>
  readonly concurrency: Rule<number>
  readonly timeout: Rule<number | null>
  readonly lease: Rule<number>
  readonly prefetch: Rule<boolean>
  readonly placement: Rule<Placement>
  readonly module: Rule<string | undefined>
  readonly workers: Rule<number>
} = {
  queue: custom<AnyQueue>(
    'a Queue',
    (value) => typeof (value as AnyQueue | undefined)?.backend?.claim === 'function',
  ),
  name: optional(string()),
  logger: custom<unknown>('a logger', () => true),
  concurrency: integer({ min: 1, max: 100_000, default: 5 }),
  timeout,
  lease: duration({ default: '30s', min: 100 }),
  prefetch: boolean(true),
  placement: oneOf(['inline', 'thread', 'process'], 'inline'),
  module: optional(string()),
  workers: integer({ min: 1, default: availableParallelism() }),
}

/** The numbers that a consumer is made of. */
export interface ConsumeSettings {
  readonly queue: AnyQueue
  readonly timeout: number | null
  readonly lease: number
}

/**
 * A worker fed by a durable queue. Subclasses say what to do with a job:
 *
 *     type Mail = JobOf<typeof mail>
 *     class Mailer extends QueueWorker<Mail> {
 *       override async process(job: Mail, { signal }: JobContext) { await send(job.payload, { signal }) }
 *     }
 *     new Mailer({ queue: mail, concurrency: 20 })
 *
 * A job whose `process` returns is done; one whose `process` throws is tried again as the queue's retry policy
 * says, and then dead. It claims only the types that it handles.
 */
export abstract class QueueWorker<
  J extends Job = Job,
  Options extends QueueWorkerOptions = QueueWorkerOptions,
> extends Worker<Options> {
  readonly queue: AnyQueue
  readonly #settings: ConsumeSettings
  readonly #gate: Gate
  #consumer: Consumer | undefined
  #processed = 0
  #errors = 0
  #onIdle: () => void = () => {}

  /** @throws InvalidOptionError naming the option. */
  constructor(options: Options & { readonly queue: AnyQueue }, settings?: ConsumeSettings, gate?: Gate) {
    super(options)
    const checked = settings ?? checkOwnOptions('QueueWorker', QUEUE_WORKER_RULES, options)
    const { placement = 'inline' } = options
    if (placement !== 'inline' && !this.takesPlacement) {
      throw new InvalidOptionError(
        'placement',
        `expected placement only for a worker made by queue.worker(handlers), got '${placement}' for ${this.name}; let a ThreadWorker or ProcessWorker run it instead`,
      )
    }
    this.queue = checked.queue
    this.#settings = checked
    const { concurrency = 1, prefetch = true } = checked as { concurrency?: number; prefetch?: boolean }
    this.#gate = gate ?? singleGate(concurrency, () => (prefetch ? this.ahead : 0), prefetch)
  }

  /** The job types that it claims. Default: all that the queue was made with. */
  types(): readonly string[] {
    const { jobs, name } = this.queue
    if (jobs !== undefined) return Object.keys(jobs)
    throw new InvalidOptionError(
      'types',
      `expected ${this.name} to say which job types it handles, since queue "${name}" was made without jobs: override types()`,
    )
  }

  /** Whether its handlers can run in threads and processes. */
  protected get takesPlacement(): boolean {
    return false
  }

  /** How many jobs it takes on beside those that run, so that whoever runs them elsewhere has the next at hand. */
  protected get ahead(): number {
    return 0
  }

  /** Hands back jobs that were taken on for longer than `heldMs` ago and have not begun. */
  protected handBack(_heldMs: number): void {}

  /** Works on one job. */
  abstract process(job: J, context: JobContext): unknown

  /** Jobs that wait in its queue, as of a few seconds ago, and those that it has in hand. */
  override get queueSize(): number {
    return this.#consumer?.backlog ?? 0
  }

  override get processedCount(): number {
    return this.#processed + (this.#consumer?.processed ?? 0)
  }

  override get errorCount(): number {
    return this.#errors + (this.#consumer?.failures ?? 0)
  }

  /**
   * Works until nothing in the queue can run now, then stops: for functions, scripts and tests. Delayed jobs that
   * are not due are left. When `timeout` (default `'30s'`) is over, what still runs is aborted and handed back.
   * @throws StateError when the worker runs already.
   */
  async drainOnce(options: { readonly timeout?: Duration } = {}): Promise<DrainReport> {
    const timeoutMs = toMs(options.timeout ?? '30s', 'timeout')
    if (this.isRunning)
      throw new StateError(`expected ${this.name} not to run yet; drainOnce starts and stops it`)
    const [processed, errors] = [this.processedCount, this.errorCount]
    const idle = new Promise<void>((resolve) => (this.#onIdle = resolve))
    await this.start()
    const timedOut = !(await settledWithin(Promise.race([idle, this.join()]), timeoutMs))
    this.#onIdle = () => {}
    if (timedOut) {
      const error = new StateError(`the drain was not over after ${timeoutMs} ms`)
      await this.kill({ kind: 'deadline', error })
    }
    await this.stop()
    if (!timedOut && this.error !== undefined) throw this.error
    return { processed: this.processedCount - processed, failed: this.errorCount - errors, timedOut }
  }

  protected override async setup(): Promise<void> {
    const { queue, lease, timeout } = this.#settings
    const types = this.types()
    if (types.length === 0) {
      throw new InvalidOptionError(
        'types',
        `expected ${this.name} to handle at least one job type, got: none`,
      )
    }
    this.#consumer = new Consumer({
      queue,
      worker: this.name,
      logger: this.logger,
      events: this.events,
      gate: this.#gate,
      leaseMs: lease,
      timeoutMs: timeout,
      types: () => this.types(),
      run: (attempts) => this.run(attempts),
      handBack: (heldMs) => this.handBack(heldMs),
      onIdle: () => this.#onIdle(),
      onStall: (cause, forMs) => void this.notify({ type: 'stalled', worker: this.name, cause, forMs }),
    })
    try {
      await queue.backend.open()
    } catch (error) {
      // A server that is down will come up: main waits for it, as it does for one that goes down later.
      if (!(error instanceof BackendError && error.retryable)) throw error
    }
  }

  protected override async main(): Promise<void> {
    const consumer = this.#consumer!
    const unlog = logEvents(this, this.logger)
    try {
      consumer.setQuiet(this.isQuiet)
      await consumer.start(this.signal)
      await Promise.race([aborted(this.signal), consumer.failed])
      await consumer.drain()
    } catch (thrown) {
      // The store is beyond repair: nothing can be settled, but handlers must hear of it.
      await consumer.kill({ kind: 'deadline', error: toError(thrown) }).catch(() => {})
      throw thrown
    } finally {
      unlog()
      this.#processed += consumer.processed
      this.#errors += consumer.failures
      this.#consumer = undefined
    }
  }

  protected override async onKill(cause: KillCause): Promise<void> {
    await this.#consumer?.kill(cause)
  }

  /** Quiet: nothing is claimed, and what is claimed and has not begun goes back at once, with no attempt spent. */
  protected override onQuiet(isQuiet: boolean): void {
    this.#consumer?.setQuiet(isQuiet)
  }

  /** To be called when `types()` has grown while it runs: jobs of the new types may be waiting. */
  protected typesChanged(): void {
    this.#consumer?.typesChanged()
  }

  /** Runs attempts that begin together. */
  protected run(attempts: readonly Attempt[]): void {
    const { settings, jobs } = this.queue
    for (const attempt of attempts) {
      within([attempt], () => runAttempt(attempt, settings, jobs, this.#process))
    }
  }

  readonly #process = (job: Job, context: JobContext): unknown => this.process(job as J, context)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
