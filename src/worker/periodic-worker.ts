import { isAbortOf } from '../core/abort.ts'
import { systemClock } from '../core/clock.ts'
import { toError } from '../core/errors.ts'
import { custom } from '../core/options.ts'
import { nextPoint } from './grid.ts'
import { Worker } from './worker.ts'
import type { WorkerOptions } from './worker-options.ts'

export interface PeriodicWorkerOptions {
  /** From the start of one run to the start of the next, in seconds; fractions are fine. */
  readonly intervalSeconds: number
}

const TEN_YEARS_S = 10 * 366 * 86_400

const intervalRule = custom<number>(
  'a number of seconds from 0.001 to ten years',
  (value) => typeof value === 'number' && value >= 0.001 && value <= TEN_YEARS_S,
)

/**
 * Does `run()` at once and then every `intervalSeconds`, on a fixed grid of the monotonic clock: however long
 * runs take, the grid does not drift. Runs never overlap; points that pass during a run are left out and counted
 * in `missedRuns`. A run that throws is counted, emitted as `error`, and followed by the next. While the worker is
 * quiet its points pass by without a run, and are not counted as missed.
 *
 *     class Sync extends PeriodicWorker {
 *       constructor() { super({ intervalSeconds: 300 }) }
 *       override async run() { await pull({ signal: this.signal }) }
 *     }
 */
export abstract class PeriodicWorker<
  Options extends object = object,
  Context extends object = Record<string, unknown>,
> extends Worker<Options & PeriodicWorkerOptions, Context> {
  readonly #intervalMs: number
  #processed = 0
  #errors = 0
  #missed = 0

  /** @throws InvalidOptionError when intervalSeconds is missing or out of range. */
  constructor(options: Options & PeriodicWorkerOptions & WorkerOptions) {
    super(options)
    this.#intervalMs = intervalRule(this.options.intervalSeconds, 'intervalSeconds') * 1000
  }

  override get processedCount(): number {
    return this.#processed
  }

  override get errorCount(): number {
    return this.#errors
  }

  /** Runs left out because the one before them took too long, or the event loop was blocked. */
  get missedRuns(): number {
    return this.#missed
  }

  /** One run of the work. */
  protected abstract run(): void | Promise<void>

  protected override async main(): Promise<void> {
    const origin = systemClock.monotonic()
    let point = { index: 0, missed: 0, dueMs: origin }
    while (this.isRunning) {
      if (!this.isQuiet) {
        const lateMs = systemClock.monotonic() - point.dueMs
        this.events.emit('tick', { worker: this.name, tick: Date.now() - lateMs, missed: point.missed })
        await this.#runOnce()
      }
      const now = systemClock.monotonic()
      point = nextPoint(origin, this.#intervalMs, point.index, now)
      this.#missed += point.missed
      if (!(await this.sleep(point.dueMs - now))) return
    }
  }

  async #runOnce(): Promise<void> {
    try {
      await this.run()
      this.#processed++
    } catch (thrown) {
      // What a stop interrupts ends the loop by isRunning and is no failure.
      if (isAbortOf(this.signal, thrown)) return
      const error = toError(thrown)
      this.#errors++
      this.logger.error({ err: error }, 'run failed; the next one comes as planned')
      await this.notify({ type: 'error', worker: this.name, error })
    }
  }
}
