import type { Duration } from '../../core/duration.ts'
import { toMs } from '../../core/duration.ts'
import { toError } from '../../core/errors.ts'
import { Emitter } from '../../core/events.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { PublishOptions, TopicMessage } from '../message.ts'
import type { MqttConnectionEvents, MqttConnectionState } from './connection-events.ts'
import { loadMqtt } from './driver.ts'
import { Intake } from './intake.ts'
import type { Link, LinkParts } from './link.ts'
import { MqttError } from './mqtt-error.ts'
import { brokerName, checkMqttOptions, type MqttConnectionOptions, type Settings } from './mqtt-options.ts'
import { Outbox } from './outbox.ts'
import { publishingOf } from './outgoing-message.ts'
import { OverdueWatch } from './overdue-watch.ts'
import { PacketIds } from './packet-ids.ts'
import type { OnMessage, Receipt } from './receipt.ts'
import { Reconnection } from './reconnection.ts'
import { type Subscription, Subscriptions } from './subscriptions.ts'

export type { MqttConnectionEvents, MqttConnectionState, OnMessage, Receipt, Subscription }

/** How long the good-bye may take. */
const GOODBYE_MS = 1000

/**
 * One connection to a broker that makes itself anew when it is lost, and loses nothing:
 *
 *     const connection = new MqttConnection({ url, clientId: 'worker-1' }, (message, receipt) => {
 *       void handle(message).then(() => receipt.ack())
 *     })
 *     await connection.subscribe([{ filter: 'sensors/#' }])
 *     await connection.connect()
 */
export class MqttConnection {
  readonly events: Emitter<MqttConnectionEvents> = new Emitter()
  readonly #settings: Settings
  readonly #subscriptions: Subscriptions
  readonly #ids = new PacketIds()
  readonly #outbox: Outbox
  readonly #intake: Intake
  readonly #watch: OverdueWatch
  /** By topic, who takes its messages instead of `onMessage`. */
  readonly #listeners = new Map<string, OnMessage>()
  #reconnection: Reconnection | undefined
  #connecting: Promise<void> | undefined
  #ending: Promise<void> | undefined
  /** Why nothing is published any more. */
  #ended: MqttError | undefined

  /** @throws InvalidOptionError */
  constructor(options: MqttConnectionOptions, onMessage: OnMessage) {
    const settings = checkMqttOptions(options)
    this.#settings = settings
    this.#subscriptions = new Subscriptions(settings.protocol === '5')
    this.#outbox = new Outbox(settings, this.#ids)
    const deliver: OnMessage = (message, receipt) => {
      if (this.#listeners.size === 0) return onMessage(message, receipt)
      return (this.#listeners.get(message.topic) ?? onMessage)(message, receipt)
    }
    this.#intake = new Intake(settings, deliver, {
      onAnswers: (packets) => this.#reconnection?.answer(packets),
      onError: (error, message) => this.events.emit('error', { error: failureOf(error, message) }),
      onOverflow: (messages, bytes) => this.#overflow(messages, bytes),
      onDropped: () => this.events.emit('dropped', { messages: 1 }),
      onRoom: () => this.#reconnection?.room(),
      isUnwanted: (topic) => this.#subscriptions.isUnwanted(topic),
    })
    this.#watch = new OverdueWatch(this.#intake, settings.ackTimeout, (topic, waiting) =>
      this.#overdue(topic, waiting),
    )
  }

  /** The client id, given or made. */
  get clientId(): string {
    return this.#settings.clientId
  }

  /** The broker that was asked for, for messages: without credentials. */
  get broker(): string {
    return brokerName(this.#settings.url)
  }

  /** False for MQTT 3.1.1, where messages have no properties. */
  get isV5(): boolean {
    return this.#settings.protocol === '5'
  }

  get state(): MqttConnectionState {
    const { delivered, waiting } = this.#intake
    return {
      connected: this.#link !== undefined,
      unacked: delivered,
      waiting,
      publishing: this.#outbox.size,
    }
  }

  /**
   * Connects and subscribes; afterwards the connection makes itself anew until `disconnect`.
   * @throws MqttError when the broker refuses us or a subscription, or is not there within `patience`.
   */
  async connect(): Promise<void> {
    await this.#ending
    this.#connecting ??= this.#connect()
    return this.#connecting
  }

  /**
   * Subscribes now, and at each connect; before `connect`, when it connects. The same filter again replaces the first.
   * Resolves when the broker has granted them, and at once when there is no connection now.
   * @throws InvalidOptionError
   * @throws MqttError naming the filters that the broker refused; those that it granted stay. Or when the connection
   * is lost meanwhile: then it subscribes as soon as it is back.
   */
  async subscribe(subscriptions: readonly Subscription[]): Promise<void> {
    const added = this.#subscriptions.add(subscriptions)
    const refused = await this.#link?.subscribe(added)
    if (refused !== undefined) throw refused
  }

  /** @throws MqttError when there is no connection, since the broker would go on: try again when there is one. */
  async unsubscribe(filters: readonly string[]): Promise<void> {
    const names = this.#subscriptions.remove(filters)
    if (this.#reconnection === undefined) return
    const link = this.#link
    if (link === undefined) throw new MqttError('BROKER_UNAVAILABLE', `no connection to ${this.broker}`)
    await link.unsubscribe(names)
  }

  /**
   * Resolves when the broker has it as the QoS says: sent for 0, acknowledged for 1, complete for 2. While there is
   * no connection it waits; what was sent without an answer is sent again. The payload must stay as it is until then.
   * @throws InvalidOptionError
   * @throws MqttError PUBLISH_FULL with `whenFull: 'reject'`, BROKER_REFUSED with the reason, BROKER_UNAVAILABLE
   * when the connection was ended before.
   */
  async publish(topic: string, payload: Uint8Array | string, options: PublishOptions = {}): Promise<void> {
    const message = publishingOf(topic, payload, options, this.isV5)
    if (this.#ended !== undefined) throw this.#ended
    return this.#outbox.add(message)
  }

  /** Messages of exactly this topic go to `listener` instead. @returns the function that ends it. */
  listen(topic: string, listener: OnMessage): () => void {
    this.#listeners.set(topic, listener)
    return () => void this.#listeners.delete(topic)
  }

  /**
   * Resolves true when all that the broker has sent is acknowledged and it has no more for us, which after
   * `unsubscribe` stays so; false when `timeout` is over or there is no connection.
   */
  async drain(timeout: Duration): Promise<boolean> {
    const end = performance.now() + toMs(timeout, 'timeout')
    const left = (): number => Math.max(0, end - performance.now())
    for (;;) {
      const link = this.#link
      if (link === undefined || !(await settledWithin(this.#intake.whenIdle(), left()))) return false
      const { taken } = this.#intake
      // What waited behind the acknowledgements arrives before the answer.
      if (!(await settledWithin(link.ping(), left())) || link.isClosed) return false
      if (this.#intake.isIdle && this.#intake.taken === taken) return true
    }
  }

  /**
   * Ends the connection for good. Harmless twice.
   * @param options.sessionExpiry how long the broker keeps the session from now; 0: it forgets us. Default: as connected.
   * @param options.will true publishes the will first. Default false.
   * @param options.flush how long publishes that are under way are waited for. Default 5 s.
   */
  async disconnect(
    options: { readonly sessionExpiry?: Duration; readonly will?: boolean; readonly flush?: Duration } = {},
  ): Promise<void> {
    this.#ending ??= this.#disconnect(options).finally(() => (this.#ending = undefined))
    return this.#ending
  }

  get #link(): Link | undefined {
    return this.#reconnection?.link
  }

  async #connect(): Promise<void> {
    const settings = this.#settings
    this.#ended = undefined
    try {
      const mqtt = await loadMqtt()
      // It was ended meanwhile.
      if (this.#hasEnded()) throw this.#ended!
      const parts: LinkParts = {
        mqtt,
        settings,
        intake: this.#intake,
        outbox: this.#outbox,
        subscriptions: this.#subscriptions,
        ids: this.#ids,
        onError: (error) => this.events.emit('error', { error }),
      }
      const reconnection = new Reconnection(parts, {
        onConnected: (sessionPresent, attempts) =>
          this.events.emit('connected', { sessionPresent, attempts }),
        onDisconnected: (error, retryInMs) => this.events.emit('disconnected', { error, retryInMs }),
        onFailed: (error) => {
          this.#over(error)
          this.events.emit('failed', { error })
        },
      })
      this.#reconnection = reconnection
      this.#watch.start()
      await reconnection.begin()
    } catch (error) {
      this.#over(error instanceof MqttError ? error : undefined)
      throw error
    }
  }

  async #disconnect({
    sessionExpiry,
    will: sendsWill = false,
    flush = '5s',
  }: NonNullable<Parameters<MqttConnection['disconnect']>[0]>): Promise<void> {
    const expiryMs = sessionExpiry === undefined ? undefined : toMs(sessionExpiry, 'sessionExpiry')
    const flushMs = toMs(flush, 'flush')
    const reconnection = this.#reconnection
    const { will } = this.#settings
    if (reconnection?.link !== undefined) {
      if (sendsWill && will !== undefined) this.publish(will.topic, will.payload, will).catch(() => {})
      await settledWithin(Promise.race([this.#outbox.whenEmpty(), reconnection.link.closed]), flushMs)
    }
    this.#intake.flush()
    const error = new MqttError('BROKER_UNAVAILABLE', `the connection to ${this.broker} was ended`)
    await reconnection?.end(error, expiryMs, GOODBYE_MS)
    this.#over(error)
  }

  #hasEnded(): boolean {
    return this.#ended !== undefined
  }

  #over(error: MqttError | undefined): void {
    this.#watch.stop()
    this.#reconnection = undefined
    this.#connecting = undefined
    this.#ended = error ?? new MqttError('BROKER_UNAVAILABLE', `there is no connection to ${this.broker}`)
    this.#outbox.close(this.#ended)
  }

  #overflow(messages: number, bytes: number): void {
    this.events.emit('overflow', { messages, bytes })
    this.#reconnection?.dropFull(
      new MqttError(
        'BROKER_UNAVAILABLE',
        `the connection to ${this.broker} was dropped on purpose: ${messages} messages of ${bytes} bytes wait for handlers`,
      ),
    )
  }

  #overdue(topic: string, waiting: number): void {
    const { ackTimeout } = this.#settings
    const error = new MqttError(
      'ACK_TIMEOUT',
      `a message to "${topic}" was not acknowledged within ${ackTimeout} ms, and ${waiting} later ones wait for that; the broker is asked to send it again`,
    )
    this.events.emit('overdue', { error, topic, waiting })
    this.#link?.drop(error)
    this.#reconnection?.room()
  }
}

function failureOf(thrown: unknown, { topic }: TopicMessage): Error {
  const error = toError(thrown)
  return new Error(
    `onMessage threw for a message to "${topic}", which stays unacknowledged: ${error.message}`,
    {
      cause: error,
    },
  )
}
