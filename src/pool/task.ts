import type { Transferable } from 'node:worker_threads'
import { toError } from '../core/errors.ts'
import type { CrewMember } from './crew-member.ts'
import type { Estimate } from './estimates.ts'

export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

/** How a task is to be treated; many share one. */
export interface TaskSettings {
  readonly priority: number
  readonly kind: number
  readonly timeoutMs: number | undefined
  readonly retries: number
  readonly transfer: readonly Transferable[] | undefined
}

/** One call of a function in a pool. */
export class Task<Result = unknown> {
  /** Of the function. */
  readonly name: string
  /** What the function said last with `this.progress(value)`. */
  progress: unknown
  /** Why it failed or was cancelled. */
  error: Error | undefined
  /** 1 for the first try. */
  attempt = 1
  /** When it was added, on the clock of `performance.now()`. */
  readonly queuedAt: number = performance.now()
  /** @internal */
  readonly args: readonly unknown[]
  /** @internal */
  readonly settings: TaskSettings
  /** @internal Of its function. */
  readonly estimate: Estimate
  /** @internal How many workers it may have taken down with it. */
  crashes = 0
  /** @internal How often it came back from a worker that died before it had begun anything. */
  returns = 0
  /** @internal */
  isQueued = false
  /** @internal Where it was sent, and as what. */
  member: CrewMember | undefined
  /** @internal */
  number = 0
  /** @internal When it was sent, on the clock of `performance.now()`, and what was known of its function then. */
  sentAt = 0
  /** @internal */
  isSteady = false
  /** @internal */
  micros = 0
  /** @internal When it was seen to have begun, on the clock of `performance.now()`. */
  begunAt: number | undefined
  /** @internal Of a stream: hears each value. */
  onYield: ((value: unknown) => void) | undefined
  /** @internal What it returned. */
  value: unknown
  /** @internal Whoever it is run for, to find that again. */
  owner: unknown
  #outcome: 'completed' | 'failed' | 'cancelled' | undefined
  /** Made when it is asked for. */
  #promise: PromiseWithResolvers<Result> | undefined
  #cancel: (task: Task, reason: Error | undefined) => void
  #onSettled: (() => void) | undefined

  /** @internal */
  constructor(
    name: string,
    args: readonly unknown[],
    settings: TaskSettings,
    estimate: Estimate,
    cancel: (task: Task, reason: Error | undefined) => void,
  ) {
    this.name = name
    this.args = args
    this.settings = settings
    this.estimate = estimate
    this.#cancel = cancel
  }

  /** Settles once, however often the task is tried. Rejects with `error`. */
  get result(): Promise<Result> {
    if (this.#promise === undefined) {
      this.#promise = Promise.withResolvers<Result>()
      if (this.isComplete) this.#tell(this.#promise)
    }
    return this.#promise.promise
  }

  get priority(): number {
    return this.settings.priority
  }

  get status(): TaskStatus {
    if (this.#outcome !== undefined) return this.#outcome
    return this.member !== undefined && this.member.hasBegun(this.number) ? 'running' : 'pending'
  }

  /** True when it has completed, failed or been cancelled. */
  get isComplete(): boolean {
    return this.#outcome !== undefined
  }

  /** @internal True when it may be what its last worker died of: it is sent alone, so that none suffers with it. */
  get isSuspect(): boolean {
    return this.crashes > 0 || this.returns > 0
  }

  /**
   * Cancels it: `result` rejects with TASK_CANCELLED. What waits is left out; what runs is told by its signal, and
   * its worker is ended when it does not heed that within `abortGrace`. Does nothing once it is complete.
   */
  cancel(reason?: Error): void {
    if (!this.isComplete) this.#cancel(this as Task, reason)
  }

  /** For logs and `JSON.stringify`. */
  toJSON(): object {
    const { name, status, priority, attempt, progress, error } = this
    return { name, status, priority, attempt, progress, error: error?.message }
  }

  /** @internal */
  complete(value: unknown): void {
    if (this.isComplete) return
    this.value = value
    this.#settle('completed')
  }

  /** @internal */
  fail(error: Error, outcome: 'failed' | 'cancelled' = 'failed'): void {
    if (this.isComplete) return
    this.error = error
    this.#settle(outcome)
  }

  /** @internal Cancels it when that aborts. */
  heed(signal: AbortSignal): void {
    const onAbort = (): void => this.cancel(toError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    this.whenSettled(() => signal.removeEventListener('abort', onAbort))
  }

  /** @internal */
  whenSettled(then: () => void): void {
    this.#onSettled = then
  }

  #settle(outcome: 'completed' | 'failed' | 'cancelled'): void {
    this.#outcome = outcome
    this.#onSettled?.()
    if (this.#promise !== undefined) this.#tell(this.#promise)
  }

  #tell({ resolve, reject }: PromiseWithResolvers<Result>): void {
    if (this.#outcome === 'completed') resolve(this.value as Result)
    else reject(this.error)
  }
}
