import type { Transferable } from 'node:worker_threads'
import type { CrewMember } from './crew-member.ts'
import type { Queued } from './lanes.ts'

export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled'

export interface TaskSettings {
  readonly priority: number
  readonly kind: number
  readonly timeoutMs: number | undefined
  readonly retries: number
  readonly transfer: readonly Transferable[] | undefined
}

/** One call of a function in a pool. */
export class Task<Result = unknown> implements Queued {
  readonly name: string
  readonly args: readonly unknown[]
  readonly settings: TaskSettings
  readonly queuedAt: number = performance.now()
  /** Settles once, however often the task is tried. */
  readonly result: Promise<Result>
  /** What the function said last with `this.progress(value)`. */
  progress: unknown
  error: Error | undefined
  /** 1 for the first try. */
  attempt = 1
  /** How many workers it took down with it. */
  crashes = 0
  /** Where it was sent, and as what. */
  member: CrewMember | undefined
  number = 0
  /** When it was seen to have begun, on the clock of `performance.now()`. */
  begunAt: number | undefined
  /** Of a stream: hears each value. */
  onYield: ((value: unknown) => void) | undefined
  #outcome: 'completed' | 'failed' | 'cancelled' | undefined
  #resolve!: (value: Result) => void
  #reject!: (error: Error) => void
  #cancel: (task: Task, reason: Error | undefined) => void
  #onSettled: (() => void) | undefined

  constructor(
    name: string,
    args: readonly unknown[],
    settings: TaskSettings,
    cancel: (task: Task, reason: Error | undefined) => void,
  ) {
    this.name = name
    this.args = args
    this.settings = settings
    this.#cancel = cancel
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get priority(): number {
    return this.settings.priority
  }

  get status(): TaskStatus {
    if (this.#outcome !== undefined) return this.#outcome
    return this.member !== undefined && this.member.hasBegun(this.number) ? 'running' : 'pending'
  }

  get isComplete(): boolean {
    return this.#outcome !== undefined
  }

  /** Cancels it: what waits is left out, what runs is told by its signal and then ended with its worker. */
  cancel(reason?: Error): void {
    if (!this.isComplete) this.#cancel(this as Task, reason)
  }

  complete(value: unknown): void {
    if (this.#settle('completed')) this.#resolve(value as Result)
  }

  fail(error: Error, outcome: 'failed' | 'cancelled' = 'failed'): void {
    if (!this.#settle(outcome)) return
    this.error = error
    this.#reject(error)
  }

  whenSettled(then: () => void): void {
    this.#onSettled = then
  }

  #settle(outcome: 'completed' | 'failed' | 'cancelled'): boolean {
    if (this.#outcome !== undefined) return false
    this.#outcome = outcome
    this.#onSettled?.()
    return true
  }
}
