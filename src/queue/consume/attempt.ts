import { AsyncLocalStorage } from 'node:async_hooks'
import type { Member } from '../../core/crowd.ts'
import { toMs, type Duration } from '../../core/duration.ts'
import { InvalidOptionError, show, StateError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { CORRELATION_HEADER, type AddOptions } from '../add-options.ts'
import type { FollowUps, Outcome, Transaction } from '../backend.ts'
import type { ClaimedJob, JobRef, NewJob } from '../job.ts'
import type { AnyQueue } from '../any-queue.ts'
import type { Queue } from '../queue.ts'
import type { JobSchemas, PayloadIn, TypeOf } from '../schema.ts'
import type { Held } from './buffer.ts'
import { completeWithin } from './completion.ts'
import { Later, type Job, type JobContext } from './handler.ts'

/** What an attempt needs of the worker that makes it. */
export interface AttemptHost {
  readonly queue: AnyQueue
  readonly logger: Logger
  /** It has ended, once, with this outcome; null when the store already knows what became of the job. */
  ended(attempt: Attempt, outcome: Outcome | null, error: Error | undefined): void
  /** It has progress to note. */
  progressed(attempt: Attempt): void
  /** It was settled in a transaction of its handler's; heard of at once, for a host that never hears of the end. */
  completed?(): void
}

const running = new AsyncLocalStorage<readonly Attempt[]>()

/** The attempts in whose handler, or anything it started, this code runs: one, or those of a batch. */
export function currentAttempts(): readonly Attempt[] {
  return running.getStore() ?? []
}

/** Runs `work` so that an exception from anywhere below it can be blamed on these attempts. */
export function within<T>(attempts: readonly Attempt[], work: () => T): T {
  return running.run(attempts, work)
}

/** One try at one claimed job, from the start of its handler to its outcome. Serves as the handler's context. */
export class Attempt implements JobContext, Member {
  place = -1
  readonly claimed: ClaimedJob
  /** When the claim was asked for, and when it was answered, on the machine's monotonic clock. */
  readonly claimedAt: number
  readonly heldAt: number
  /** When the handler began, by performance.now(). */
  readonly startedAt: number
  readonly #host: AttemptHost
  /** Hears of an abort beside the signal: for handlers that run elsewhere. */
  onAbort: ((reason: Error) => void) | undefined
  #controller: AbortController | undefined
  #abortedBy: Error | undefined
  #abortedAt = Infinity
  #ended = false
  /** The last noted progress, as JSON. */
  progressText: string | undefined
  /** Made when the first comes: most jobs have none. */
  #followUps: FollowUps[] | undefined
  #preparing: Promise<unknown>[] | undefined
  #isCompleted = false

  constructor(host: AttemptHost, held: Held, startedAt: number) {
    this.#host = host
    this.claimed = held.job
    this.claimedAt = held.claimedAt
    this.heldAt = held.heldAt
    this.startedAt = startedAt
  }

  get ref(): JobRef {
    const { id, seq, token } = this.claimed
    return { queue: this.#host.queue.name, id, seq, token }
  }

  get isOver(): boolean {
    return this.#ended
  }

  /** Why the signal was aborted, if it was. */
  get abortedBy(): Error | undefined {
    return this.#abortedBy
  }

  /** When it was aborted, by performance.now(); Infinity when it was not. */
  get abortedAt(): number {
    return this.#abortedAt
  }

  /** Aborts the handler's signal. The first reason counts. */
  abort(reason: Error): void {
    if (this.#abortedBy !== undefined) return
    this.#abortedBy = reason
    this.#abortedAt = performance.now()
    this.#controller?.abort(reason)
    this.onAbort?.(reason)
  }

  /** Ends the attempt; the first call counts. */
  end(outcome: Outcome | null, error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#host.ended(this, outcome, error)
  }

  /** Settles the job as done in a transaction of its handler's. */
  complete(transaction: Transaction, result: unknown): Promise<void> {
    return completeWithin(this, this.#host.queue, transaction, result)
  }

  /** It was settled in a transaction of its handler's, which may be committed, or not. */
  completed(): void {
    this.#isCompleted = true
    this.#host.completed?.()
  }

  get isCompleted(): boolean {
    return this.#isCompleted
  }

  /** Adds follow-ups that were prepared elsewhere. */
  follow(followUps: readonly FollowUps[]): void {
    ;(this.#followUps ??= []).push(...followUps)
  }

  /** The follow-ups, when all are prepared; rejects with what was wrong with one. */
  async followUpsReady(): Promise<void> {
    await Promise.all(this.#preparing ?? [])
  }

  get hasFollowUps(): boolean {
    return this.#preparing !== undefined || this.#followUps !== undefined
  }

  get followUps(): readonly FollowUps[] {
    return this.#followUps ?? []
  }

  // ------------------------------------------------------------------------------- the handler's context

  /** Made when first asked for: most handlers never look, and a controller costs more than a short job. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy)
    }
    return this.#controller.signal
  }

  get logger(): Logger {
    return this.#host.logger.child({ job: this.claimed.id, type: this.claimed.type })
  }

  get progress(): (value: unknown) => void {
    return (value) => {
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined)
        throw new InvalidOptionError('progress', `expected progress to be JSON, got: ${show(value)}`)
      if (text.length > 65_536)
        throw new InvalidOptionError('progress', 'expected progress to be at most 64 KiB of JSON')
      if (this.#ended) return
      this.progressText = text
      this.#host.progressed(this)
    }
  }

  get snooze(): (delay: Duration) => Later {
    return (delay) => new Later({ delayMs: toMs(delay, 'delay') })
  }

  get retryAt(): (time: Date) => Later {
    return (time) => {
      if (!(time instanceof Date) || Number.isNaN(time.getTime())) {
        throw new InvalidOptionError('time', `expected time to be a valid Date, got: ${show(time)}`)
      }
      return new Later({ runAt: time.getTime() })
    }
  }

  get followUp(): JobContext['followUp'] {
    return (queue, type, payload, options) => {
      if (this.#isCompleted) {
        throw new StateError(
          `expected followUp() before complete() of job ${this.claimed.id}, which settles both`,
        )
      }
      const prepared = this.#follow(queue, type, payload, options)
      // Heard by followUpsReady; a handler that does not wait must not cause an unhandled rejection.
      prepared.catch(() => {})
      ;(this.#preparing ??= []).push(prepared)
      return prepared
    }
  }

  async #follow<S extends JobSchemas, T extends TypeOf<S>>(
    queue: Queue<S>,
    type: T,
    payload: PayloadIn<S, T>,
    options: AddOptions | undefined,
  ): Promise<string> {
    if (queue.backend !== this.#host.queue.backend) {
      throw new InvalidOptionError(
        'queue',
        `expected queue "${queue.name}" to share the backend object of "${this.#host.queue.name}", so that both can be written at once; use queue.add() for a queue elsewhere`,
      )
    }
    const correlationId = options?.correlationId ?? correlationOf(this.claimed)
    const preparing = queue.prepare(type, payload, { ...options, correlationId })
    const job: NewJob = preparing instanceof Promise ? await preparing : preparing
    ;(this.#followUps ??= []).push({ queue: queue.name, jobs: [job] })
    return job.id
  }
}

function correlationOf({ headers, id }: Pick<ClaimedJob, 'headers' | 'id'>): string {
  return headers[CORRELATION_HEADER] ?? id
}

/** The job as its handler sees it. */
export function jobView(attempt: Attempt, payload: unknown, maxRetries: number): Job {
  return new JobView(attempt, payload, maxRetries)
}

class JobView implements Job {
  readonly id: string
  readonly type: string
  readonly payload: unknown
  readonly attempt: number
  readonly retryCount: number
  readonly maxRetries: number
  readonly priority: number
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly token: string
  readonly #attempt: Attempt

  constructor(attempt: Attempt, payload: unknown, maxRetries: number) {
    const { claimed } = attempt
    this.id = claimed.id
    this.type = claimed.type
    this.payload = payload
    this.attempt = claimed.attempt + 1
    this.retryCount = claimed.attempt
    this.maxRetries = claimed.maxRetries ?? maxRetries
    this.priority = claimed.priority
    this.headers = claimed.headers
    this.tags = claimed.tags
    this.token = claimed.token
    this.#attempt = attempt
  }

  complete(transaction: Transaction, result?: unknown): Promise<void> {
    return this.#attempt.complete(transaction, result)
  }

  get createdAt(): Date {
    return new Date(this.#attempt.claimed.createdAt)
  }

  get correlationId(): string {
    return correlationOf(this)
  }
}
