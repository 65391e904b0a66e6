import type { RetryPolicy } from '../../core/retry.ts'
import type { Route } from '../route.ts'
import type { WorkerDefaults } from './consumer-options.ts'
import type { Handling } from './handling.ts'

/** The messages of one route in one worker: those that are handled, and those that wait for a place. */
export class RouteLane {
  readonly route: Route
  /** The longest time of one attempt, ms; Infinity without a limit. */
  readonly timeoutMs: number
  /** Null: one attempt. */
  readonly retry: RetryPolicy | null
  readonly deadLetter: Route['deadLetter']
  /** A message keeps its place while it is tried again, so that a route with one place keeps its order. */
  readonly running: Set<Handling> = new Set()
  /** True while those that wait are begun, one after the other. */
  isBeginning = false
  /** In the order in which they arrived. */
  #waiting: Handling[] = []
  #next = 0

  constructor(route: Route, defaults: WorkerDefaults) {
    this.route = route
    this.timeoutMs = (route.timeoutMs === undefined ? defaults.timeoutMs : route.timeoutMs) ?? Infinity
    this.retry = route.retry === undefined ? defaults.retry : route.retry
    this.deadLetter = route.deadLetter === undefined ? defaults.deadLetter : route.deadLetter
  }

  get hasPlace(): boolean {
    return this.running.size < this.route.concurrency
  }

  get waiting(): number {
    return this.#waiting.length - this.#next
  }

  push(handling: Handling): void {
    this.#waiting.push(handling)
  }

  shift(): Handling | undefined {
    const handling = this.#waiting[this.#next]
    if (handling === undefined) return undefined
    this.#next++
    // Cut off now and then, so that a long line costs no copy for each message.
    if (this.#next === this.#waiting.length || this.#next > 1024) {
      this.#waiting = this.#waiting.slice(this.#next)
      this.#next = 0
    }
    return handling
  }

  /** Nobody handles those that wait: they come again. @returns how many. */
  clear(): number {
    const { waiting } = this
    this.#waiting = []
    this.#next = 0
    return waiting
  }
}
