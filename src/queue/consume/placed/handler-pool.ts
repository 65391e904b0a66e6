import { JobTimeoutError, toError } from '../../../core/errors.ts'
import { checkOptions } from '../../../core/options.ts'
import { Emitter } from '../../../core/events.ts'
import type { Logger } from '../../../core/logger.ts'
import { errorFromWire, type WireError } from '../../../core/wire-error.ts'
import { Engine } from '../../../pool/engine.ts'
import type { PoolEvents } from '../../../pool/pool-events.ts'
import { POOL_RULES } from '../../../pool/pool-options.ts'
import { CALL } from '../../../pool/protocol.ts'
import type { Task, TaskSettings } from '../../../pool/task.ts'
import { Window } from '../../../pool/window.ts'
import { unpack } from '../../../worker/placement/protocol.ts'
import type { QueueSettings } from '../../queue-options.ts'
import type { AnyQueue } from '../../any-queue.ts'
import type { Attempt } from '../attempt.ts'
import { Later } from '../handler.ts'
import { errorRecord } from '../outcome.ts'
import { ABORT_GRACE_MS } from '../overdue.ts'
import { fail, refuseUnread, succeed } from '../run-attempt.ts'
import { jobToWire, type HandlerData, type WireNote, type WireOutcome } from './wire-job.ts'

export interface HandlerPoolOptions {
  readonly queue: AnyQueue
  readonly worker: string
  readonly types: readonly string[]
  readonly placement: 'thread' | 'process'
  readonly module: string
  readonly workers: number
  readonly concurrency: number
  readonly logger: Logger
  /** It can run nothing any more, for this reason. */
  readonly onBroken: (error: Error) => void
}

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(isSource ? './placed-handlers-entry.ts' : './placed-handlers-entry.js', import.meta.url)
/**
 * Jobs at hand for each that runs: a thread that waits for its core is to find work for all of its turn, and jobs are to
 * travel many in a message.
 */
const AHEAD = 6
const MOST_AHEAD = 1000
const SETTINGS: TaskSettings = {
  priority: 0,
  kind: CALL,
  timeoutMs: undefined,
  retries: 0,
  transfer: undefined,
}

/**
 * Runs the handlers of a queue worker in threads or processes. Claims, leases, timeouts and outcomes stay here, so
 * that a handler that blocks or dies can do nothing to them.
 */
export class HandlerPool {
  readonly #engine: Engine
  readonly #queue: AnyQueue
  readonly #ahead: number
  /** Those that have not ended, the oldest first. */
  readonly #tasks = new Window<Task>()
  #added = 0
  /** Jobs take longer than was measured: none is taken on ahead until one has ended. */
  #isOverestimated = false
  readonly #onBroken: (error: Error) => void
  #isStopped = false

  constructor(options: HandlerPoolOptions) {
    const { queue, worker, types, placement, module, concurrency, logger } = options
    const size = Math.min(options.workers, concurrency)
    const workerData: HandlerData = {
      ...{ placement, module, queue: queue.name, worker, types },
      keepsResults: queue.settings.retention.done !== 0,
      isDebug: logger.isLevelEnabled?.('debug') ?? false,
    }
    const events = new Emitter<PoolEvents>()
    events.on('progress', ({ task, progress }) => this.#note(task, progress as WireNote))
    this.#queue = queue
    // Where it cannot be shared evenly, the pool would run more at a time than the worker may.
    this.#ahead = concurrency % size === 0 ? Math.min(AHEAD * concurrency, MOST_AHEAD) : 0
    this.#onBroken = options.onBroken
    this.#engine = new Engine(
      ENTRY.href,
      checkOptions('WorkerPool', POOL_RULES, {
        placement,
        workerData,
        logger,
        max: size,
        // The worker takes on no more than it has use for; what it gave up may still be with the pool.
        maxQueue: Number.MAX_SAFE_INTEGER,
        concurrencyPerWorker: Math.ceil(concurrency / size),
        abortGrace: ABORT_GRACE_MS,
      }),
      { min: size, max: size },
      events,
    )
  }

  /** Resolves when all its workers are ready. @throws what they could not start for. */
  start(): Promise<void> {
    return this.#engine.start()
  }

  /** How many more jobs it can use than run at a time: none unless they are short. */
  get ahead(): number {
    const isShort = !this.#isOverestimated && this.#engine.isSteady('handle')
    return this.#ahead > 0 && isShort ? this.#ahead : 0
  }

  /** Runs attempts that begin together. */
  run(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) this.#runOne(attempt)
  }

  /** Hands back jobs that wait here for longer than that, ms, and have not begun, as far as that is certain. */
  handBack(heldMs: number): void {
    const latest = performance.now() - heldMs
    for (const [number, task] of this.#tasks.entries()) {
      const attempt = task.owner as Attempt
      if (attempt.startedAt > latest) return
      if (task.status !== 'pending' || !this.#engine.withdraw(task)) continue
      this.#isOverestimated = true
      this.#tasks.take(number)
      attempt.end({ kind: 'release' })
    }
  }

  /** Ends its workers; what still runs in them is over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    const closed = this.#engine.close()
    this.#engine.abandon()
    await closed
  }

  #runOne(attempt: Attempt): void {
    const { settings } = this.#queue
    let task: Task
    try {
      task = this.#engine.add('handle', jobToWire(attempt.claimed, settings.codec.name), SETTINGS, undefined)
    } catch (thrown) {
      attempt.end({ kind: 'release' })
      if (!this.#isStopped) this.#onBroken(toError(thrown))
      return
    }
    task.owner = attempt
    const number = this.#added++
    this.#tasks.add(number, task)
    attempt.onAbort = (reason) => {
      // What is late without having begun, behind another one, is not to blame.
      const isBlameless = reason instanceof JobTimeoutError && task.status === 'pending'
      if (isBlameless) attempt.end({ kind: 'release' }, reason)
      this.#engine.interrupt(task, reason)
    }
    task.whenSettled(() => {
      this.#tasks.take(number)
      this.#isOverestimated = false
      if (task.error === undefined) conclude(attempt, settings, task.value as WireOutcome | undefined)
      else this.#failed(task, attempt, task.error)
    })
  }

  #failed(task: Task, attempt: Attempt, error: Error): void {
    const { settings } = this.#queue
    if (this.#isStopped || error === this.#engine.failure) {
      // No handler has failed: there is nobody to run it.
      attempt.end({ kind: 'release' }, error)
    } else if (attempt.abortedBy === undefined && task.crashes > 0) {
      const { maxCrashes, retention } = settings
      const policy = { maxCrashes, keepDeadMs: retention.dead }
      attempt.end({ kind: 'crash', error: errorRecord(error), policy }, error)
    } else {
      fail(attempt, settings, error)
    }
  }

  #note(task: Task, note: WireNote): void {
    const attempt = task.owner as Attempt
    if (note.kind === 'progress') attempt.progress(note.value)
    else if (note.kind === 'completed') attempt.completed()
    else attempt.logger[note.level](unpack(note.fields) as object, note.message)
  }
}

function conclude(attempt: Attempt, settings: QueueSettings, outcome: WireOutcome | undefined): void {
  if (outcome?.unread !== undefined) {
    refuseUnread(attempt, settings, errorFromWire(outcome.unread as WireError))
    return
  }
  if (outcome?.followUps !== undefined) attempt.follow(outcome.followUps)
  succeed(attempt, settings, outcome?.later === undefined ? outcome?.result : new Later(outcome.later))
}
