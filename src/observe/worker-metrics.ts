import type { Clock } from '../core/clock.ts'
import type { WorkerEvents } from '../core/telemetry.ts'
import { DurationHistogram, type Distribution } from './distribution.ts'
import type { Observable } from './observable.ts'
import { SUCCESS, type Outcome } from './success.ts'
import { CountsByType, type TypeCounts } from './type-counts.ts'

/** The numbers of one worker since it is watched: plain JSON. */
export interface WorkerMetrics {
  readonly id: string
  readonly name: string
  readonly running: boolean
  /** Since the present life began, or since it is watched; 0 when it is not running. */
  readonly uptimeMs: number
  /** Attempts that ended well. */
  readonly processed: number
  /** Attempts that failed: retry, dead or crash. None of them is in `processed`. */
  readonly errors: number
  /** Every attempt by its outcome. Those that are snoozed, held, released or cancelled are counted here only. */
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** Mean duration of processed and failed attempts, 0 if there is none. */
  readonly averageMs: number
  /** Processed among processed and failed, 0..1; 1 if there is none. */
  readonly successRate: number
  /** Failed among processed and failed, 0..1; 0 if there is none. */
  readonly errorRate: number
  /** When an attempt was last processed, ms since the epoch. */
  readonly lastProcessedAt: number | null
  /** Work that waits. Null when nobody knows, or could not say in time. */
  readonly queueSize: number | null
  /** From the start of a handler to its end; processed and failed attempts. */
  readonly duration: Distribution
  /** From the enqueue to the start of the handler; processed and failed attempts. */
  readonly wait: Distribution
  /** Processed and failed by job type; a limited number of types, the rest together as `other`. */
  readonly types: Readonly<Record<string, TypeCounts>>
  /** Jobs whose outcome came too late, because the claim was no longer ours. */
  readonly stale: number
  /** What this worker's upkeep did to the jobs of dead ones. */
  readonly reaped: { readonly returned: number; readonly crashed: number; readonly dead: number }
  readonly restarts: number
  readonly stalls: number
  readonly kills: number
  /** Things that failed in the worker itself, outside a job. */
  readonly failures: number
  /** Ticks of its schedule, and runs that were missed. */
  readonly ticks: number
  readonly missed: number
}

/** Listens to one worker and keeps its numbers. */
export class WorkerMeter {
  readonly #worker: Observable
  readonly #clock: Clock
  readonly #outcomes: Record<Outcome, number> = {
    done: 0,
    retry: 0,
    snooze: 0,
    hold: 0,
    dead: 0,
    cancelled: 0,
    release: 0,
    crash: 0,
  }
  readonly #reaped = { returned: 0, crashed: 0, dead: 0 }
  readonly #duration = new DurationHistogram()
  readonly #wait = new DurationHistogram()
  readonly #types: CountsByType
  readonly #subscriptions: readonly (() => void)[]
  #startedAt: number
  #lastProcessedAt: number | null = null
  #totalMs = 0
  #stale = 0
  #restarts = 0
  #stalls = 0
  #kills = 0
  #failures = 0
  #ticks = 0
  #missed = 0

  constructor(worker: Observable, clock: Clock, maxTypes: number) {
    this.#worker = worker
    this.#clock = clock
    this.#types = new CountsByType(maxTypes)
    this.#startedAt = clock.monotonic()
    const { events } = worker
    this.#subscriptions = [
      events.on('startup', () => void (this.#startedAt = clock.monotonic())),
      events.on('attempts', (event) => this.#count(event)),
      events.on('stale', (event) => void (this.#stale += event.jobs.length)),
      events.on('reaped', (event) => {
        this.#reaped.returned += event.returned
        this.#reaped.crashed += event.crashed.length
        this.#reaped.dead += event.dead.length
      }),
      events.on('restart', () => void this.#restarts++),
      events.on('stalled', () => void this.#stalls++),
      events.on('killed', () => void this.#kills++),
      events.on('error', () => void this.#failures++),
      events.on('tick', (event) => {
        this.#ticks++
        this.#missed += event.missed
      }),
    ]
  }

  end(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe()
  }

  snapshot(queueSize: number | null): WorkerMetrics {
    const { id, name, isRunning } = this.#worker
    const outcomes = { ...this.#outcomes }
    const processed = outcomes.done
    const errors = outcomes.retry + outcomes.dead + outcomes.crash
    const total = processed + errors
    return {
      id,
      name,
      running: isRunning,
      uptimeMs: isRunning ? this.#clock.monotonic() - this.#startedAt : 0,
      processed,
      errors,
      outcomes,
      averageMs: total === 0 ? 0 : this.#totalMs / total,
      successRate: total === 0 ? 1 : processed / total,
      errorRate: total === 0 ? 0 : errors / total,
      lastProcessedAt: this.#lastProcessedAt,
      queueSize,
      duration: this.#duration.snapshot(),
      wait: this.#wait.snapshot(),
      types: this.#types.snapshot(),
      stale: this.#stale,
      reaped: { ...this.#reaped },
      restarts: this.#restarts,
      stalls: this.#stalls,
      kills: this.#kills,
      failures: this.#failures,
      ticks: this.#ticks,
      missed: this.#missed,
    }
  }

  /** Hears of every attempt, hundreds of thousands a second: allocates nothing for one. */
  #count({ attempts }: WorkerEvents['attempts']): void {
    let processed = false
    for (const attempt of attempts) {
      this.#outcomes[attempt.outcome]++
      const success = SUCCESS[attempt.outcome]
      if (success === undefined) continue
      processed ||= success
      this.#totalMs += attempt.durationMs
      this.#duration.record(attempt.durationMs)
      this.#wait.record(attempt.waitedMs)
      this.#types.add(attempt.type, success)
    }
    if (processed) this.#lastProcessedAt = this.#clock.wall()
  }
}
