import type { Duration } from '../../core/duration.ts'
import { toError } from '../../core/errors.ts'
import { sleep } from '../../core/sleep.ts'
import { checkOwnOptions, custom, duration, oneOf, optional, string } from '../../core/options.ts'
import type { Backend } from '../backend.ts'
import { Queue } from '../queue.ts'
import { createSchedule, dueTicks, type Missed, type Schedule, type ScheduleOptions } from '../schedule.ts'
import type { RetryOptions } from '../../core/retry.ts'
import type { Job, JobContext } from './handler.ts'
import { QUEUE_WORKER_RULES, QueueWorker, type QueueWorkerOptions } from './queue-worker.ts'
import { singleGate } from './gate.ts'

export interface ScheduledWorkerOptions
  extends Omit<QueueWorkerOptions, 'concurrency' | 'prefetch'>, ScheduleOptions {
  /** Names the schedule in the store. Servers that give the same name share its ticks. */
  readonly name: string
  /**
   * Where ticks are kept, so that each runs once however many servers there are, and none is lost with one of
   * them. For a task of this process alone there is PeriodicWorker.
   */
  readonly backend: Backend
  /** What to do about ticks that nobody was there for. Default `'skip'`. */
  readonly missed?: Missed
  /** What to do about a run that fails. Default: no retry; the failed run is a dead letter, kept for 30 days. */
  readonly retry?: RetryOptions
}

const RULES = {
  ...QUEUE_WORKER_RULES,
  name: string(),
  queue: custom<undefined>(
    'left out: a ScheduledWorker has a queue of its own',
    (value) => value === undefined,
  ),
  backend: custom<Backend>(
    'a backend',
    (value) => typeof (value as Backend | undefined)?.advanceSchedule === 'function',
  ),
  every: custom<Duration | undefined>('a duration', () => true),
  cron: optional(string()),
  timeZone: optional(string()),
  missed: oneOf(['skip', 'one', 'all'], 'skip'),
  retry: custom<RetryOptions>(
    'retry options',
    (value) => typeof value === 'object',
    () => ({ maxRetries: 0 }),
  ),
  lease: duration({ default: '30s', min: 100 }),
}

const TICK = 'tick'
/** The store's clock may be set: it is looked at so often at the least. */
const LOOK_MS = 15_000
const AFTER_ERROR_MS = 1_000
/** When the last tick is so far in the future, the store's clock was ahead and has been set right. */
const SET_BACK_MS = 60_000

/**
 * Runs `executeTask` at every tick of an interval or a cron expression: once for each tick, on one of the servers
 * that share the schedule. What it throws is reported and the next tick comes all the same. While it is quiet it
 * leaves ticks to the others; those that nobody took are missed ticks when it resumes.
 *
 *     class Sync extends ScheduledWorker { override async executeTask(tick: Date) { ... } }
 *     new Sync({ name: 'sync', backend: sqlite('jobs.db'), cron: '0 3 * * *', timeZone: 'Europe/Berlin' })
 */
export abstract class ScheduledWorker<
  Options extends ScheduledWorkerOptions = ScheduledWorkerOptions,
> extends QueueWorker<Job, Options> {
  /** Where its ticks are jobs: failed ones are dead letters here. */
  declare readonly queue: Queue
  readonly #schedule: Schedule
  readonly #missed: Missed
  #skipped = 0
  #wake: () => void = () => {}

  /** @throws InvalidOptionError naming the option. */
  constructor(options: Options) {
    const checked = checkOwnOptions('ScheduledWorker', RULES, options)
    const { backend, name, retry, every, cron, timeZone } = checked
    const queue = new Queue(`schedule.${name}`, { backend, retry, retention: { dead: '30d' } })
    super({ ...options, queue }, { ...checked, queue }, singleGate(1))
    this.#schedule = createSchedule({
      ...(every === undefined ? {} : { every }),
      ...(cron === undefined ? {} : { cron }),
      ...(timeZone === undefined ? {} : { timeZone }),
    })
    this.#missed = checked.missed
  }

  /** Ticks that passed and were not run, since this worker was made. */
  get missedRuns(): number {
    return this.#skipped
  }

  /** The task. @param tick when it was due. */
  abstract executeTask(tick: Date, context: JobContext): unknown

  override types(): readonly string[] {
    return [TICK]
  }

  override process(job: Job, context: JobContext): unknown {
    return this.executeTask(new Date((job.payload as { tick: number }).tick), context)
  }

  protected override onQuiet(isQuiet: boolean): void {
    super.onQuiet(isQuiet)
    if (!isQuiet) this.#wake()
  }

  protected override async main(): Promise<void> {
    const over = new AbortController()
    const ticking = this.#tick(AbortSignal.any([this.signal, over.signal]))
    try {
      await super.main()
    } finally {
      over.abort()
      await ticking
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs = AFTER_ERROR_MS
      try {
        waitMs = this.isQuiet ? LOOK_MS : await this.#advance()
      } catch (thrown) {
        this.events.emit('error', { worker: this.name, error: toError(thrown) })
      }
      const nap = new AbortController()
      this.#wake = () => nap.abort()
      await sleep(waitMs, AbortSignal.any([signal, nap.signal]))
    }
  }

  /** Enqueues what is due. @returns ms until there may be something to do again. */
  async #advance(): Promise<number> {
    const { backend, name: queue } = this.queue
    const { name } = this
    await backend.open()
    const { now, tick: last } = await backend.readSchedule(queue, name)
    if (last === null) {
      // Seen for the first time: it begins now, and nothing was missed.
      await backend.advanceSchedule({ queue, name, from: null, to: now, jobs: [] })
      return 0
    }
    if (last > now + SET_BACK_MS) {
      // To wait until the clock comes there again could take years. Ticks that come again within a day of their
      // run are duplicates, by the ids of their jobs.
      await backend.advanceSchedule({ queue, name, from: last, to: now, jobs: [] })
      return 0
    }
    const { run, skipped, upTo } = dueTicks(this.#schedule, last, now, this.#missed)
    if (upTo !== undefined) {
      const jobs = await Promise.all(
        run.map(async (tick) => this.queue.prepare(TICK, { tick }, { id: `${name}:${tick}` })),
      )
      if (await backend.advanceSchedule({ queue, name, from: last, to: upTo, jobs })) {
        this.#skipped += skipped
        this.events.emit('tick', { worker: this.name, tick: upTo, missed: skipped })
      }
    }
    const next = this.#schedule.next(Math.max(now, last))
    return Math.min(LOOK_MS, next === undefined ? LOOK_MS : Math.max(1, next - now))
  }
}
