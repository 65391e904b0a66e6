import { toError } from '../../core/errors.ts'
import type { Emitter } from '../../core/events.ts'
import type { FinishedAttempt, WorkerEvents } from '../../core/telemetry.ts'
import type { EnqueueResult, MaintainReport, SettleResult, Settlement } from '../backend.ts'
import type { ExchangeEvents } from './exchange.ts'

type QueueEvent = 'attempts' | 'stale' | 'reaped' | 'unhandled' | 'backend' | 'silent'

/** What a consumer says of itself: the events of its worker that are about its queue. */
export class Reports implements ExchangeEvents {
  readonly #worker: string
  readonly #queue: string
  readonly #events: Emitter<WorkerEvents>

  constructor(worker: string, queue: string, events: Emitter<WorkerEvents>) {
    this.#worker = worker
    this.#queue = queue
    this.#events = events
  }

  error(thrown: unknown): void {
    this.#events.emit('error', { worker: this.#worker, error: toError(thrown) })
  }

  state(up: boolean, error: Error | undefined): void {
    this.#emit('backend', { up, error })
  }

  silent(forMs: number): void {
    this.#emit('silent', { forMs })
  }

  attempts(attempts: readonly FinishedAttempt[]): void {
    if (attempts.length > 0 && this.#events.has('attempts')) this.#emit('attempts', { attempts })
  }

  /** What the store said to settlements. After a repetition, stale may just mean that the first try had come through. */
  settled(settlements: readonly Settlement[], results: readonly SettleResult[], repeated: boolean): void {
    const stale: string[] = []
    for (const [index, result] of results.entries()) {
      const { id } = settlements[index]!.ref
      if (result.status === 'stale') stale.push(id)
      else for (const followUp of result.followUps) this.#checkFollowUp(id, followUp)
    }
    if (stale.length > 0 && !repeated) this.#emit('stale', { jobs: stale })
  }

  maintained({ returned, crashed, dead, unhandled }: MaintainReport): void {
    if (returned + crashed.length + dead.length > 0) this.#emit('reaped', { returned, crashed, dead })
    for (const { type, forMs } of unhandled) this.#emit('unhandled', { type, forMs })
  }

  /** The queue has checked follow-ups as the store does, so none should be refused; one that was must be heard of. */
  #checkFollowUp(job: string, result: EnqueueResult): void {
    if (result.status !== 'rejected') return
    this.error(new Error(`the store refused follow-up ${result.id} of job ${job}: ${result.reason}`))
  }

  #emit<K extends QueueEvent>(event: K, fields: Omit<WorkerEvents[K], 'worker' | 'queue'>): void {
    const whole = { worker: this.#worker, queue: this.#queue, ...fields }
    this.#events.emit(event, whole as unknown as WorkerEvents[K])
  }
}
