import type { Clock } from '../core/clock.ts'
import type { Duration } from '../core/duration.ts'
import { StateError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { checkOptions, custom, duration, integer, number, optional, type Rule } from '../core/options.ts'
import { Service } from '../core/service.ts'
import { after } from '../core/timer.ts'
import { clockOption } from './clock-option.ts'
import type { Observable, QueueSize } from './observable.ts'
import { Probe } from './probe.ts'
import { WorkerWatch, type WorkerHealth } from './worker-health.ts'

export interface HealthCheckerOptions {
  /** A running worker that has not finished an attempt for longer is unhealthy, unless its queue is known to be
   * empty. Counted from its start at first. `false`: never. Default: 30 min. */
  readonly maxIdle?: Duration | false
  /** Of attempts that were processed or failed, 0..1. Default: 0.1. */
  readonly maxErrorRate?: number
  /** How far back the error rate looks. Default: 5 min. */
  readonly errorWindow?: Duration
  /** Fewer attempts than that in the window say nothing of the error rate. Default: 10. */
  readonly minAttempts?: number
  /** Default: 1,000. */
  readonly maxQueueSize?: number
  /** Between two checks once started. Default: 30 s. */
  readonly interval?: Duration
  /** How long a dependency or a queue's size may take to answer. Default: 5 s. */
  readonly dependencyTimeout?: Duration
  /** Default: the system's. */
  readonly clock?: Clock
}

/** What differs for one worker. */
export interface HealthWatchOptions {
  /** Default: the worker's own `queueSize`. */
  readonly queueSize?: QueueSize
  /** `false` for a worker with a loop of its own, which reports no attempts. Default: the checker's. */
  readonly maxIdle?: Duration | false
}

/** Asks something that the workers need. Healthy when it returns, unless it returns `false`; ill when it throws. */
export type DependencyCheck = (signal: AbortSignal) => unknown

export interface DependencyHealth {
  readonly name: string
  readonly healthy: boolean
  readonly reason: string | null
}

export interface HealthReport {
  /** True when all workers and all dependencies are. */
  readonly healthy: boolean
  /** ms since the epoch. */
  readonly at: number
  readonly workers: readonly WorkerHealth[]
  readonly dependencies: readonly DependencyHealth[]
  /** All that is wrong, a line each; empty when healthy. */
  readonly problems: readonly string[]
}

export interface HealthEvents {
  /** A check began or ceased to fail. The first report after a start is announced too. */
  change: { readonly report: HealthReport; readonly previous: HealthReport | undefined }
}

const idleRule: Rule<number> = (value, option) =>
  value === false ? Infinity : duration({ default: '30m' })(value, option)

const rules = {
  maxIdle: idleRule,
  maxErrorRate: number({ min: 0, max: 1, default: 0.1 }),
  errorWindow: duration({ default: '5m', min: '1s' }),
  minAttempts: integer({ min: 1, default: 10 }),
  maxQueueSize: integer({ min: 0, default: 1000 }),
  interval: duration({ default: '30s', min: '10ms' }),
  dependencyTimeout: duration({ default: '5s', min: '1ms' }),
  clock: clockOption,
}
const watchRules = { queueSize: optional(custom<QueueSize>('a function', isFunction)), maxIdle: idleRule }
const dependencyRules = { timeout: duration({ default: '5s', min: '1ms' }) }

/**
 * Says whether workers, and what they depend on, are well:
 *
 *     const health = new HealthChecker()
 *     health.watch(mailWorker)
 *     health.addDependency('smtp', (signal) => fetch(smtpUrl, { signal }))
 *     const { healthy, problems } = await health.check()
 *
 * Started, it checks by itself and emits `change`; its timer does not keep the process alive.
 */
export class HealthChecker extends Service {
  readonly events: Emitter<HealthEvents> = new Emitter()
  readonly #options: ReturnType<typeof checkOptions<typeof rules>>
  readonly #workers = new Map<string, WorkerWatch>()
  readonly #dependencies = new Map<string, Probe<unknown>>()
  /** Of the present run; a check that ends after a stop announces nothing. */
  #run: Run | undefined

  /** @throws InvalidOptionError */
  constructor(options: HealthCheckerOptions = {}) {
    super()
    this.#options = checkOptions('HealthChecker', rules, options)
  }

  /**
   * Judges the worker from now on; the returned function ends it.
   * @throws StateError when a worker of this id is watched already.
   */
  watch(worker: Observable, options: HealthWatchOptions = {}): () => void {
    refuseSecond(this.#workers, worker.id, `worker ${worker.name}`)
    const { maxIdle, maxErrorRate, errorWindow, minAttempts, maxQueueSize } = this.#options
    const own = checkOptions('watch', watchRules, {
      maxIdle: maxIdle === Infinity ? false : maxIdle,
      ...options,
    })
    const limits = {
      maxIdleMs: own.maxIdle,
      maxErrorRate,
      errorWindowMs: errorWindow,
      minAttempts,
      maxQueueSize,
    }
    const queueSize = { source: own.queueSize, timeoutMs: this.#options.dependencyTimeout }
    const watch = new WorkerWatch(worker, limits, this.#options.clock, queueSize)
    this.#workers.set(worker.id, watch)
    return () => {
      watch.end()
      if (this.#workers.get(worker.id) === watch) this.#workers.delete(worker.id)
    }
  }

  /**
   * Asks `check` at every check; the returned function ends it. A call that hangs is not repeated before it ends.
   * @param options.timeout after it the dependency is unhealthy and the signal aborts. Default: `dependencyTimeout`.
   * @throws StateError when there is a dependency of this name.
   */
  addDependency(
    name: string,
    check: DependencyCheck,
    options: { readonly timeout?: Duration } = {},
  ): () => void {
    refuseSecond(this.#dependencies, name, `dependency ${name}`)
    const { timeout } = checkOptions('addDependency', dependencyRules, {
      timeout: this.#options.dependencyTimeout,
      ...options,
    })
    const probe = new Probe(check, timeout)
    this.#dependencies.set(name, probe)
    return () => {
      if (this.#dependencies.get(name) === probe) this.#dependencies.delete(name)
    }
  }

  /** Looks at everything now. Never rejects, and takes no longer than the longest timeout. */
  async check(): Promise<HealthReport> {
    const [workers, dependencies] = await Promise.all([
      Promise.all([...this.#workers.values()].map((watch) => watch.check())),
      Promise.all([...this.#dependencies].map(([name, probe]) => ask(name, probe))),
    ])
    const problems = [
      ...workers.flatMap(({ name, checks }) =>
        checks.flatMap(({ reason }) => (reason === null ? [] : [`worker ${name} ${reason}`])),
      ),
      ...dependencies.flatMap(({ name, reason }) =>
        reason === null ? [] : [`dependency ${name} is unhealthy: ${reason}`],
      ),
    ]
    const at = this.#options.clock.wall()
    return { healthy: problems.length === 0, at, workers, dependencies, problems }
  }

  protected onStart(): void {
    const run: Run = { cancel: () => {}, announced: undefined }
    this.#run = run
    void this.#round(run)
  }

  protected onStop(): void {
    this.#run?.cancel()
    this.#run = undefined
  }

  async #round(run: Run): Promise<void> {
    const report = await this.check()
    if (this.#run !== run) return
    const previous = run.announced
    if (previous === undefined || failing(previous) !== failing(report)) {
      run.announced = report
      this.events.emit('change', { report, previous })
    }
    run.cancel = after(this.#options.interval, () => void this.#round(run), { ref: false })
  }
}

/** What one start to stop knows. */
interface Run {
  /** Calls off the next round. */
  cancel: () => void
  announced: HealthReport | undefined
}

/** The names of the failing checks; their reasons carry numbers, which change without anything changing. */
function failing({ workers, dependencies }: HealthReport): string {
  return JSON.stringify([
    workers.flatMap(({ id, checks }) =>
      checks.filter((check) => !check.healthy).map(({ name }) => [id, name]),
    ),
    dependencies.filter((dependency) => !dependency.healthy).map(({ name }) => name),
  ])
}

async function ask(name: string, probe: Probe<unknown>): Promise<DependencyHealth> {
  const answer = await probe.answer()
  const healthy = answer.ok && answer.value !== false
  if (healthy) return { name, healthy, reason: null }
  return { name, healthy, reason: answer.ok ? 'its check returned false' : answer.error.message }
}

function refuseSecond(known: ReadonlyMap<string, unknown>, key: string, what: string): void {
  if (known.has(key)) throw new StateError(`expected ${what} to be checked once; it is checked already`)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
