import type { Logger } from '../../core/logger.ts'
import type { Delivery } from '../delivery.ts'
import type { Endpoint } from '../endpoint.ts'
import type { PublishOptions, TopicMessage } from '../message.ts'
import type { Receipt } from './connection.ts'
import type { RouteLane } from './route-lane.ts'

/** What a handler reaches beyond its message. */
export interface Surroundings {
  readonly logger: Logger
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void>
  /** The handler has acknowledged its message by itself. */
  onManualAck(handling: Handling): void
}

/**
 * One message on its way through a worker, from its arrival to its acknowledgement. It is what its handler knows as
 * the delivery; a signal is made only when somebody asks for it.
 */
export class Handling implements Delivery {
  readonly message: TopicMessage
  readonly endpoint: Endpoint
  readonly lane: RouteLane
  readonly #receipt: Receipt
  readonly #surroundings: Surroundings
  /** How many were begun. */
  attempts = 0
  /** Of the attempt that runs, on `performance.now()`; Infinity while none does. */
  startedAt: number = Infinity
  /** When its signal aborted. */
  abortedAt = 0
  isAcked = false
  /** Its handler has ended, and has not acknowledged it yet, which it is to do itself. */
  isAwaitingAck = false
  /** Nothing more happens to it. */
  isOver = false
  /** Changes with whatever happens next: what an older turn comes to is not listened to. */
  #turn = 0
  #abortedFor: Error | undefined
  #controller: AbortController | undefined

  constructor(
    message: TopicMessage,
    receipt: Receipt,
    endpoint: Endpoint,
    lane: RouteLane,
    surroundings: Surroundings,
  ) {
    this.message = message
    this.endpoint = endpoint
    this.lane = lane
    this.#receipt = receipt
    this.#surroundings = surroundings
  }

  get logger(): Logger {
    return this.#surroundings.logger
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortedFor !== undefined) this.#controller.abort(this.#abortedFor)
    }
    return this.#controller.signal
  }

  /** Why the present attempt was told to end. */
  get abortedFor(): Error | undefined {
    return this.#abortedFor
  }

  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void> {
    return this.#surroundings.publish(topic, payload, options)
  }

  ack(): void {
    if (this.endpoint.route.ack !== 'manual' || this.isAcked || this.isOver) return
    this.acknowledge()
    this.#surroundings.onManualAck(this)
  }

  /** The broker may forget it. */
  acknowledge(): void {
    if (this.isAcked) return
    this.isAcked = true
    this.#receipt.ack()
  }

  /** Another attempt. @returns its turn. */
  begin(): number {
    this.attempts++
    this.isAwaitingAck = false
    this.#abortedFor = undefined
    this.#controller = undefined
    return ++this.#turn
  }

  /** Its attempt is over, or given up, and it waits for something else. @returns the turn of that. */
  wait(): number {
    this.startedAt = Infinity
    return ++this.#turn
  }

  /** Whether nothing has happened to it since. */
  isIn(turn: number): boolean {
    return this.#turn === turn && !this.isOver
  }

  abort(reason: Error, now: number): void {
    if (this.#abortedFor !== undefined) return
    this.#abortedFor = reason
    this.abortedAt = now
    this.#controller?.abort(reason)
  }
}
