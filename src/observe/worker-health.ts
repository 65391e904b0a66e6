import type { Clock } from '../core/clock.ts'
import { formatMs } from '../core/duration.ts'
import type { FinishedAttempt } from '../core/telemetry.ts'
import { ErrorWindow } from './error-window.ts'
import { queueSizeOf, type Observable, type QueueSize } from './observable.ts'
import { Probe } from './probe.ts'
import { SUCCESS } from './success.ts'

export interface WorkerCheck {
  /** `queueSize` is left out when nobody knows the size. */
  readonly name: 'running' | 'active' | 'errorRate' | 'queueSize'
  readonly healthy: boolean
  /** What is wrong, for people; null when nothing is. */
  readonly reason: string | null
}

export interface WorkerHealth {
  readonly id: string
  readonly name: string
  /** True when all checks are. */
  readonly healthy: boolean
  readonly checks: readonly WorkerCheck[]
}

/** From which values on a worker is unhealthy. */
export interface HealthLimits {
  readonly maxIdleMs: number
  readonly maxErrorRate: number
  readonly errorWindowMs: number
  readonly minAttempts: number
  readonly maxQueueSize: number
}

/** Listens to one worker and judges it when asked. */
export class WorkerWatch {
  readonly #worker: Observable
  readonly #limits: HealthLimits
  readonly #clock: Clock
  readonly #window: ErrorWindow
  readonly #queueSize: Probe<number> | undefined
  readonly #subscriptions: readonly (() => void)[]
  #activeAt: number

  constructor(
    worker: Observable,
    limits: HealthLimits,
    clock: Clock,
    queueSize: { readonly source: QueueSize | undefined; readonly timeoutMs: number },
  ) {
    this.#worker = worker
    this.#limits = limits
    this.#clock = clock
    this.#window = new ErrorWindow(limits.errorWindowMs)
    const source = queueSizeOf(worker, queueSize.source)
    this.#queueSize = source && new Probe(source, queueSize.timeoutMs)
    this.#activeAt = clock.monotonic()
    const active = (): void => void (this.#activeAt = clock.monotonic())
    this.#subscriptions = [
      worker.events.on('startup', active),
      worker.events.on('tick', active),
      worker.events.on('attempts', ({ attempts }) => {
        active()
        this.#count(attempts)
      }),
    ]
  }

  end(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe()
  }

  async check(): Promise<WorkerHealth> {
    const size = await this.#queueSize?.answer()
    const { id, name, isRunning } = this.#worker
    const checks = [
      verdict('running', isRunning ? null : 'is not running'),
      verdict('active', isRunning ? this.#idle(size?.ok ? size.value : undefined) : null),
      verdict('errorRate', this.#failing()),
    ]
    if (size !== undefined) {
      checks.push(verdict('queueSize', size.ok ? this.#full(size.value) : unknownSize(size.error)))
    }
    return { id, name, healthy: checks.every((check) => check.healthy), checks }
  }

  #count(attempts: readonly FinishedAttempt[]): void {
    let done = 0
    let failed = 0
    for (const attempt of attempts) {
      const success = SUCCESS[attempt.outcome]
      if (success === true) done++
      else if (success === false) failed++
    }
    this.#window.add(this.#clock.monotonic(), done, failed)
  }

  #idle(queueSize: number | undefined): string | null {
    const idleMs = this.#clock.monotonic() - this.#activeAt
    // A worker that is known to have nothing to do is not ill for doing nothing.
    if (idleMs <= this.#limits.maxIdleMs || queueSize === 0) return null
    return `has done nothing for ${formatMs(idleMs)}, longer than ${formatMs(this.#limits.maxIdleMs)}`
  }

  #failing(): string | null {
    const { maxErrorRate, minAttempts, errorWindowMs } = this.#limits
    const { done, failed } = this.#window.sum(this.#clock.monotonic())
    const attempts = done + failed
    if (attempts < minAttempts || failed / attempts <= maxErrorRate) return null
    return `failed ${failed} of ${attempts} attempts in the last ${formatMs(errorWindowMs)}, more than ${percent(maxErrorRate)}`
  }

  #full(size: number): string | null {
    const { maxQueueSize } = this.#limits
    if (size <= maxQueueSize) return null
    return `has a queue of ${size} waiting jobs, more than ${maxQueueSize}`
  }
}

function verdict(name: WorkerCheck['name'], reason: string | null): WorkerCheck {
  return { name, healthy: reason === null, reason }
}

function unknownSize(error: Error): string {
  return `has a queue of unknown size: ${error.message}`
}

function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(2))} %`
}
