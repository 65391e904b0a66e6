import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Router } from '../router.ts'
import type { Route } from '../route.ts'
import { shareFilter } from '../topic-filter.ts'
import { MqttConnection, type Subscription } from './connection.ts'
import { Consumer } from './consumer.ts'
import type { WorkerDefaults } from './consumer-options.ts'
import type { MqttConnectionOptions } from './mqtt-options.ts'

export interface TopicServiceOptions {
  readonly worker: string
  readonly router: Router<string>
  /** Which of the routes are served here. Default: all. */
  readonly serves?: (route: Route) => boolean
  readonly groupName: string
  readonly connection: MqttConnectionOptions
  readonly defaults: WorkerDefaults
  readonly logger: Logger
}

/** A router at work: its subscriptions, the messages that come by them, and how both end. */
export class TopicService {
  readonly consumer: Consumer
  readonly #options: TopicServiceOptions
  readonly #connection: MqttConnection
  readonly #own: readonly Subscription[]
  readonly #foreign: readonly string[]
  readonly #failed = Promise.withResolvers<Error>()

  /** @throws InvalidOptionError for the connection and the name of the group. */
  constructor(options: TopicServiceOptions) {
    const { worker, router, groupName, defaults, logger, serves } = options
    this.#options = options
    const dispatcher = router.dispatcher()
    this.consumer = new Consumer({
      ...{ worker, dispatcher, defaults, logger },
      publish: (topic, payload, how) => this.#connection.publish(topic, payload, how),
    })
    this.#connection = new MqttConnection({ ...options.connection, logger }, this.consumer.take)
    this.#own = dispatcher.subscriptions(serves).map(({ filter, shared, qos, retained, id }) => ({
      filter: shared ? shareFilter(groupName, filter) : filter,
      ...{ qos, retained },
      ...(id !== undefined && { id }),
    }))
    const own = new Set(this.#own.map(({ filter }) => filter))
    const both = dispatcher.routes.flatMap(({ mqttFilter }) => [
      mqttFilter,
      shareFilter(groupName, mqttFilter),
    ])
    this.#foreign = [...new Set(both)].filter((filter) => !own.has(filter))
    this.#listen()
  }

  /** Resolves when the connection is over for good, with the reason. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  /** Messages that have arrived and are not done. */
  get depth(): number {
    return this.consumer.inHand + this.#connection.state.waiting
  }

  /**
   * Connects and subscribes.
   * @throws MqttError when the broker is not there or says no.
   */
  async open(): Promise<void> {
    let isResumed = false
    const off = this.#connection.events.on('connected', ({ sessionPresent }) => {
      isResumed ||= sessionPresent
    })
    await this.#connection.subscribe(this.#own)
    await this.#connection.connect()
    off()
    // An older self may have served routes that are others' now: the broker would go on dealing them to us.
    if (isResumed && this.#foreign.length > 0) await this.#connection.unsubscribe(this.#foreign)
  }

  /** Connects to the session that an older self left, and takes what is in it, but nothing new. */
  async reopen(): Promise<void> {
    await this.#connection.connect()
  }

  /**
   * The end of a worker that comes back: handles what has arrived; the broker keeps the session.
   * @returns false when not all was handled in time; the rest comes again.
   */
  async close(): Promise<boolean> {
    const isDone = await this.consumer.drain(this.#options.defaults.drainMs)
    await this.abandon()
    return isDone
  }

  /**
   * The end of a worker that does not come back: lets the broker deal to it no more, handles all that was dealt, and
   * has its session forgotten.
   * @returns false when not all was handled in time; the session is then kept.
   */
  async leave(): Promise<boolean> {
    const { drainMs } = this.#options.defaults
    try {
      await this.#connection.unsubscribe([...this.#own.map(({ filter }) => filter), ...this.#foreign])
      if (await this.#connection.drain(drainMs)) {
        this.consumer.close()
        await this.#connection.disconnect({ sessionExpiry: 0 })
        return true
      }
    } catch (thrown) {
      this.#options.logger.error({ err: toError(thrown) }, 'the session could not be drained')
    }
    await this.consumer.drain(0)
    await this.abandon()
    return false
  }

  /** Ends the connection; whatever is in hand stays unacknowledged. Harmless twice. */
  async abandon(): Promise<void> {
    this.consumer.close()
    await this.#connection.disconnect()
  }

  #listen(): void {
    const { logger } = this.#options
    const { events } = this.#connection
    events.on('failed', ({ error }) => this.#failed.resolve(error))
    events.on('error', ({ error }) =>
      logger.error({ err: error }, 'the connection to the broker has trouble'),
    )
    events.on('disconnected', ({ error, retryInMs }) =>
      logger.warn({ err: error, retryInMs }, 'the connection to the broker is lost; it is made anew'),
    )
    events.on('connected', ({ sessionPresent, attempts }) =>
      logger.info({ sessionPresent, attempts }, 'connected to the broker'),
    )
    events.on('overdue', ({ error, topic, waiting }) =>
      logger.error({ err: error, topic, waiting }, 'a message is not acknowledged in time'),
    )
    events.on('overflow', (held) =>
      logger.warn(held, 'more arrives than is handled: the connection is dropped'),
    )
    events.on('dropped', (lost) =>
      logger.warn(lost, 'messages of QoS 0 are thrown away: more arrives than is handled'),
    )
  }
}
