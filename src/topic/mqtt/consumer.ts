import { formatMs } from '../../core/duration.ts'
import { JobTimeoutError, MillhandError, ShutdownError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { sleep } from '../../core/sleep.ts'
import { after } from '../../core/timer.ts'
import type { Outcome } from '../delivery.ts'
import type { Dispatcher } from '../dispatcher.ts'
import type { PublishOptions, TopicMessage } from '../message.ts'
import type { Route } from '../route.ts'
import type { Receipt } from './connection.ts'
import type { WorkerDefaults } from './consumer-options.ts'
import { DeadLetters, type DeathCause } from './dead-letters.ts'
import { Handling, type Surroundings } from './handling.ts'
import { RouteLane } from './route-lane.ts'
import { ABORT_GRACE_MS, enforceTimeouts } from './timeouts.ts'

export interface ConsumerParts {
  readonly worker: string
  /** Of all routes: what an older session still brings may be of one that is not subscribed to any more. */
  readonly dispatcher: Dispatcher
  readonly defaults: WorkerDefaults
  readonly logger: Logger
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void>
}

/** How exactly timeouts are kept. */
const SWEEP_MS = 100

/**
 * Handles messages: so many of each route at once, each attempt within its time, failed ones again, and what fails
 * for good goes to the dead letters. Only then is a message acknowledged.
 */
export class Consumer implements Surroundings {
  readonly logger: Logger
  readonly #parts: ConsumerParts
  readonly #lanes = new Map<Route, RouteLane>()
  readonly #deadLetters: DeadLetters
  readonly #over = new AbortController()
  readonly #sweep: NodeJS.Timeout
  #isTaking = true
  #isHeld = false
  /** Messages that were taken and are not over. */
  #inHand = 0
  /** Made when somebody waits for it. */
  #idle: PromiseWithResolvers<void> | undefined
  #processed = 0
  #failed = 0

  constructor(parts: ConsumerParts) {
    this.#parts = parts
    this.logger = parts.logger
    const publish: ConsumerParts['publish'] = (topic, payload, options) =>
      parts.publish(topic, payload, options)
    this.#deadLetters = new DeadLetters({
      ...{ publish, worker: parts.worker, logger: parts.logger, signal: this.#over.signal },
    })
    const giveUp = (handling: Handling, reason: Error): void => this.#giveUp(handling, reason)
    this.#sweep = setInterval(() => enforceTimeouts(this.#lanes.values(), giveUp), SWEEP_MS).unref()
  }

  get inHand(): number {
    return this.#inHand
  }

  get processed(): number {
    return this.#processed
  }

  /** Those that went to the dead letters, or would have. */
  get failed(): number {
    return this.#failed
  }

  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void> {
    return this.#parts.publish(topic, payload, options)
  }

  /** Takes a message. Once the worker is told to end, it is left as it is: the broker sends it again. */
  readonly take = (message: TopicMessage, receipt: Receipt): void => {
    if (!this.#isTaking) return
    const endpoint = this.#parts.dispatcher.find(message)
    if (endpoint === 'unwanted') {
      receipt.ack()
      return
    }
    this.#inHand++
    if (endpoint === 'unroutable') {
      void this.#buryUnroutable(message, receipt)
      return
    }
    const lane = this.#laneOf(endpoint.route)
    const handling = new Handling(message, receipt, endpoint, lane, this)
    if (lane.route.ack === 'onReceive') handling.acknowledge()
    if (lane.hasPlace && lane.waiting === 0 && !this.#isHeld) this.#attempt(handling)
    else lane.push(handling)
  }

  /** While it is held nothing more is begun; what arrives waits, as far as the connection has room for it. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    for (const lane of this.#lanes.values()) this.#beginWaiting(lane)
  }

  /**
   * Takes no more; resolves true when all that was taken is over, false when `ms` was over first: then the signals
   * of those that are left abort, and nothing of them is acknowledged any more.
   */
  async drain(ms: number): Promise<boolean> {
    this.#isTaking = false
    if (await this.idle(ms)) return true
    const error: MillhandError = new ShutdownError(
      `the worker ${this.#parts.worker} was told to end, and ${formatMs(ms)} were not enough`,
    )
    const now = performance.now()
    for (const lane of this.#lanes.values()) {
      this.#inHand -= lane.clear()
      for (const handling of lane.running) handling.abort(error, now)
    }
    return this.idle(ABORT_GRACE_MS)
  }

  /** Waits until nothing is in hand. @returns false when `ms` was over first. */
  async idle(ms: number): Promise<boolean> {
    if (this.#inHand === 0) return true
    const waited = new AbortController()
    this.#idle ??= Promise.withResolvers()
    void this.#idle.promise.then(() => waited.abort())
    return !(await sleep(ms, waited.signal))
  }

  /** What still runs is not listened to any more. */
  close(): void {
    this.#isTaking = false
    clearInterval(this.#sweep)
    this.#over.abort()
    for (const lane of this.#lanes.values()) for (const handling of lane.running) handling.isOver = true
  }

  onManualAck(handling: Handling): void {
    // Its handler may go on, and is waited for; one that has ended was only waiting for this.
    if (!handling.isAwaitingAck) return
    this.#processed++
    this.#finish(handling)
  }

  #laneOf(route: Route): RouteLane {
    let lane = this.#lanes.get(route)
    if (lane === undefined) {
      lane = new RouteLane(route, this.#parts.defaults)
      this.#lanes.set(route, lane)
    }
    return lane
  }

  #attempt(handling: Handling): void {
    const turn = handling.begin()
    const outcome = handling.endpoint.run(handling.message, handling)
    if (outcome instanceof Promise) {
      handling.startedAt = performance.now()
      handling.lane.running.add(handling)
      void outcome.then((settled) => this.#settle(handling, turn, settled))
    } else this.#settle(handling, turn, outcome)
  }

  #settle(handling: Handling, turn: number, outcome: Outcome): void {
    if (!handling.isIn(turn)) return
    // What it threw because it was told to end counts as that.
    if (outcome.kind === 'failed') return this.#fail(handling, handling.abortedFor ?? outcome.error)
    if (outcome.kind === 'undecodable') return this.#bury(handling, 'undecodable', outcome.error)
    if (handling.lane.route.ack === 'manual' && !handling.isAcked) return this.#awaitAck(handling)
    this.#processed++
    handling.acknowledge()
    this.#finish(handling)
  }

  /** Its handler has ended without the word that was promised: that may still come, for as long as a handler may take. */
  #awaitAck(handling: Handling): void {
    const { timeoutMs, route, running } = handling.lane
    running.add(handling)
    const turn = handling.wait()
    handling.isAwaitingAck = true
    if (timeoutMs === Infinity) return
    after(timeoutMs, () => {
      if (!handling.isIn(turn)) return
      const error = new JobTimeoutError(
        `the handler of ${route.filter} has ended and ack() was not called within ${formatMs(timeoutMs)}; ` +
          `its route has ack: 'manual'`,
      )
      this.#fail(handling, error)
    })
  }

  #fail(handling: Handling, error: Error): void {
    const { lane, message, attempts, isAcked } = handling
    const told = { topic: message.topic, route: lane.route.filter, attempts, err: error }
    // It stays unacknowledged, and comes again.
    if (handling.abortedFor instanceof ShutdownError) return this.#finish(handling)
    if (isAcked && lane.route.ack === 'manual') {
      this.#failed++
      this.logger.error(told, 'a handler failed after it had acknowledged its message')
      return this.#finish(handling)
    }
    const delayMs = lane.retry?.next(error, attempts - 1)
    if (delayMs === undefined) return this.#bury(handling, 'failed', error)
    this.logger.warn(told, `a handler failed: it is tried again in ${formatMs(delayMs)}`)
    // Also one whose handler did not need to wait for anything keeps a place meanwhile.
    lane.running.add(handling)
    const turn = handling.wait()
    after(delayMs, () => {
      if (!handling.isIn(turn)) return
      // An attempt that was given up has done it after all.
      if (handling.isAcked && lane.route.ack === 'manual') this.#finish(handling)
      else this.#attempt(handling)
    })
  }

  #bury(handling: Handling, reason: DeathCause['reason'], error: Error): void {
    const { lane, message, attempts } = handling
    lane.running.add(handling)
    handling.wait()
    const cause: DeathCause = { reason, error, route: lane.route, attempts }
    void this.#deadLetters.send(message, cause, lane.deadLetter ?? null).then((isKept) => {
      if (handling.isOver) return
      this.#failed++
      if (isKept) handling.acknowledge()
      this.#finish(handling)
    })
  }

  async #buryUnroutable(message: TopicMessage, receipt: Receipt): Promise<void> {
    const error = new MillhandError('NOT_FOUND', `no route takes the topic ${message.topic}`)
    const cause = { reason: 'unroutable', error, route: undefined, attempts: 0 } as const
    if (await this.#deadLetters.send(message, cause, this.#parts.defaults.deadLetter)) receipt.ack()
    this.#failed++
    this.#left()
  }

  #finish(handling: Handling): void {
    if (handling.isOver) return
    handling.isOver = true
    const { lane } = handling
    lane.running.delete(handling)
    this.#left()
    this.#beginWaiting(lane)
  }

  #beginWaiting(lane: RouteLane): void {
    // Those that are handled at once come back here; without this they would pile up on the stack.
    if (lane.isBeginning || this.#isHeld) return
    lane.isBeginning = true
    while (lane.hasPlace) {
      const next = lane.shift()
      if (next === undefined) break
      this.#attempt(next)
    }
    lane.isBeginning = false
  }

  #left(): void {
    if (--this.#inHand > 0 || this.#idle === undefined) return
    this.#idle.resolve()
    this.#idle = undefined
  }

  #giveUp(handling: Handling, reason: Error): void {
    const { route } = handling.lane
    this.logger.warn(
      { topic: handling.message.topic, route: route.filter, cause: reason.message },
      'a handler goes on although its signal was aborted; it is given up, and what it does from now on is not counted',
    )
    handling.wait()
    this.#fail(handling, reason)
  }
}
