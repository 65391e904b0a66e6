import type { Duration } from './duration.ts'
import { StateError, toError } from './errors.ts'
import type { Logger } from './logger.ts'
import { checkOptions, custom, duration, integer, optional } from './options.ts'
import { after } from './timer.ts'

/** Hears one event. What it returns is awaited and otherwise ignored; what it throws goes into the result. */
export type EventHandler<T> = (value: T) => unknown

/** One handler that failed, or did not end in time. */
export interface EventFailure {
  readonly event: string
  /** The handler's function name, `(anonymous)` when it has none. */
  readonly handler: string
  readonly error: Error
}

/** What became of one published event. */
export interface PublishResult {
  /** How many handlers were called. 0 when nobody subscribes. */
  readonly handlers: number
  readonly failures: readonly EventFailure[]
  /** True when no handler was called because `maxPending` events were still being handled. */
  readonly refused: boolean
}

export interface EventBusOptions {
  /** Hears of every failure, of refused events too. Default: the logger, else `process.emitWarning`. */
  readonly onError?: (failure: EventFailure) => void
  /** Where failures are logged when there is no `onError`. */
  readonly logger?: Logger
  /** A handler that takes longer is reported as failed and no longer waited for. Default: 30 s. */
  readonly handlerTimeout?: Duration
  /** Handlers of one event. More look like a subscription that is never ended. Default: 1,000. */
  readonly maxHandlers?: number
  /** Events that are being handled at once. One that is published above it is refused. Default: 10,000. */
  readonly maxPending?: number
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const rules = {
  onError: optional(custom<(failure: EventFailure) => void>('a function', isFunction)),
  logger: optional(custom<Logger>('a logger', isObject)),
  handlerTimeout: duration({ default: '30s', min: '1ms' }),
  maxHandlers: integer({ min: 1, default: 1000 }),
  maxPending: integer({ min: 1, default: 10_000 }),
}

/** An event of type `void` or `undefined` is published without a value. */
type Value<T> = undefined extends T ? [value?: T] : [value: T]

/**
 * Parts of a program that tell each other what happened, without knowing each other:
 *
 *     const bus = new EventBus<{ 'pr.created': PullRequest; drained: void }>({ logger })
 *     const unsubscribe = bus.subscribe('pr.created', (pr) => checks.add('analyze', { pr: pr.number }))
 *     const { failures } = await bus.publish('pr.created', pr)
 *
 * Lives in one process and remembers nothing: what must survive a crash is a job. All handlers of an event run
 * at once, those that are synchronous in the order of subscription, and none sees another's failure.
 */
export class EventBus<Events extends object> {
  readonly #options: ReturnType<typeof checkOptions<typeof rules>>
  readonly #handlers = new Map<keyof Events, Set<EventHandler<never>>>()
  #pending = 0

  /** @throws InvalidOptionError */
  constructor(options: EventBusOptions = {}) {
    this.#options = checkOptions('EventBus', rules, options)
  }

  /**
   * Subscribes, and returns the function that unsubscribes. Subscribing the same function again changes nothing.
   * @throws StateError at more than `maxHandlers`.
   */
  subscribe<K extends keyof Events & string>(event: K, handler: EventHandler<Events[K]>): () => void {
    const handlers = this.#handlers.get(event) ?? new Set()
    if (handlers.size >= this.#options.maxHandlers && !handlers.has(handler)) {
      throw new StateError(
        `"${event}" has ${handlers.size} handlers already (maxHandlers); is a subscription never ended?`,
      )
    }
    this.#handlers.set(event, handlers)
    handlers.add(handler)
    return () => this.unsubscribe(event, handler)
  }

  /** Ends a subscription, for an event that is being published as well, unless the handler was called already. */
  unsubscribe<K extends keyof Events & string>(event: K, handler: EventHandler<Events[K]>): void {
    const handlers = this.#handlers.get(event)
    if (handlers?.delete(handler) && handlers.size === 0) this.#handlers.delete(event)
  }

  /** Calls the handlers and resolves when all have ended or timed out. Never rejects, need not be awaited. */
  async publish<K extends keyof Events & string>(
    event: K,
    ...[value]: Value<Events[K]>
  ): Promise<PublishResult> {
    const handlers = this.#handlers.get(event)
    if (handlers === undefined) return { handlers: 0, failures: [], refused: false }
    if (this.#pending >= this.#options.maxPending) return this.#refuse(event)
    this.#pending++
    try {
      const running: Promise<EventFailure | undefined>[] = []
      // A copy: what subscribes meanwhile hears of the next event only.
      const subscribed = [...handlers]
      for (const handler of subscribed) {
        if (handlers.has(handler)) running.push(this.#run(event, handler, value as never))
      }
      const outcomes = await Promise.all(running)
      return {
        handlers: running.length,
        failures: outcomes.filter((outcome) => outcome !== undefined),
        refused: false,
      }
    } finally {
      this.#pending--
    }
  }

  async #run(event: string, handler: EventHandler<never>, value: never): Promise<EventFailure | undefined> {
    try {
      const returned = handler(value)
      if (isThenable(returned)) await this.#inTime(returned)
      return undefined
    } catch (thrown) {
      const failure = { event, handler: handler.name || '(anonymous)', error: toError(thrown) }
      this.#report(failure)
      return failure
    }
  }

  #inTime(returned: PromiseLike<unknown>): Promise<unknown> {
    const { handlerTimeout } = this.#options
    return new Promise((resolve, reject) => {
      const cancel = after(
        handlerTimeout,
        () => reject(new Error(`the handler did not end within ${handlerTimeout}ms (handlerTimeout)`)),
        { ref: false },
      )
      void Promise.resolve(returned).then(resolve, reject).finally(cancel)
    })
  }

  #refuse(event: string): PublishResult {
    const error = new StateError(
      `${this.#pending} events are being handled already (maxPending); this one was refused`,
    )
    const failure = { event, handler: '(none)', error }
    this.#report(failure)
    return { handlers: 0, failures: [failure], refused: true }
  }

  /** Nobody's way of reporting may fail the publisher. */
  #report(failure: EventFailure): void {
    const { onError, logger } = this.#options
    const text = `a handler of "${failure.event}" failed`
    try {
      if (onError !== undefined) onError(failure)
      else if (logger !== undefined) {
        logger.error({ err: failure.error, event: failure.event, handler: failure.handler }, text)
      } else process.emitWarning(`${text}: ${String(failure.error)}`, 'MillhandWarning')
    } catch (thrown) {
      process.emitWarning(`${text}, and so did its report: ${String(thrown)}`, 'MillhandWarning')
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof (value as { then?: unknown }).then === 'function'
}
