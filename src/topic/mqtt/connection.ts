import type { Duration } from '../../core/duration.ts'
import { Emitter } from '../../core/events.ts'
import type { PublishOptions, Qos, TopicMessage } from '../message.ts'
import type { RetainedPolicy } from '../route-options.ts'
import type { MqttError } from './mqtt-error.ts'
import type { MqttConnectionOptions } from './mqtt-options.ts'

/** A message is done: it will not come again. */
export interface Receipt {
  /**
   * In any order, at any time, more than once: what the broker hears leaves in the order in which the messages
   * arrived. Harmless after the connection was lost: the message comes again then, unless it can be recognised.
   */
  ack(): void
}

/** Called for each message, synchronously; what it throws is emitted as `error`, and the message stays unacknowledged. */
export type OnMessage = (message: TopicMessage, receipt: Receipt) => void

/** What is to be heard. */
export interface Subscription {
  /** As the broker has it: `sensors/+/state`, `$share/group/jobs/#`. */
  readonly filter: string
  /** Default 1. */
  readonly qos?: Qos
  /** Default `'new'`, and `'never'` for shared ones. */
  readonly retained?: RetainedPolicy
  /** Arrives with each message that came by this subscription, where the broker can (MQTT 5): 1 to 268,435,455. */
  readonly id?: number
}

export interface MqttConnectionEvents {
  /** Subscribed and ready, at first and after each reconnect. */
  readonly connected: { readonly sessionPresent: boolean; readonly attempts: number }
  /** The connection was lost, or an attempt to get it back has failed. It is tried again after `retryInMs`. */
  readonly disconnected: { readonly error: Error; readonly retryInMs: number }
  /** It is over for good: nothing more arrives. Another `connect` is a new beginning. */
  readonly failed: { readonly error: MqttError }
  /** Something went wrong, and work goes on. */
  readonly error: { readonly error: Error }
  /** A message at the head of the window was not acknowledged in time: the connection is dropped. */
  readonly overdue: { readonly error: MqttError; readonly topic: string; readonly waiting: number }
  /** More arrived than could be held: the connection was dropped on purpose. */
  readonly overflow: { readonly messages: number; readonly bytes: number }
  /** Messages of QoS 0 that were thrown away because nothing more could be held. */
  readonly dropped: { readonly messages: number }
}

/** Figures of now, for scaling and health. */
export interface MqttConnectionState {
  readonly connected: boolean
  /** Messages with `onMessage`, not acknowledged. */
  readonly unacked: number
  /** Messages that wait for their place in the window. */
  readonly waiting: number
  /** Messages that were published and have no answer yet, or wait to be sent. */
  readonly publishing: number
}

/**
 * One connection to a broker that makes itself anew when it is lost, and loses nothing:
 *
 *     const connection = new MqttConnection({ url, clientId: 'worker-1' }, (message, receipt) => {
 *       void handle(message).then(() => receipt.ack())
 *     })
 *     await connection.subscribe([{ filter: 'sensors/#' }])
 *     await connection.connect()
 */
export declare class MqttConnection {
  readonly events: Emitter<MqttConnectionEvents>
  /** @throws InvalidOptionError */
  constructor(options: MqttConnectionOptions, onMessage: OnMessage)
  /** The client id, given or made. */
  get clientId(): string
  get state(): MqttConnectionState
  /**
   * Connects and subscribes; afterwards the connection makes itself anew until `disconnect`.
   * @throws MqttError when the broker refuses, or is not there within `patience`.
   */
  connect(): Promise<void>
  /**
   * Subscribes now, and at each connect; before `connect`, when it connects. The same filter again replaces the first.
   * @throws MqttError naming the filters that the broker refused; those that it granted stay.
   */
  subscribe(subscriptions: readonly Subscription[]): Promise<void>
  /** @throws MqttError when there is no connection: the broker would go on. */
  unsubscribe(filters: readonly string[]): Promise<void>
  /**
   * Resolves when the broker has it as the QoS says: sent for 0, acknowledged for 1, complete for 2. While there is
   * no connection it waits; what was sent without an answer is sent again.
   * @throws MqttError PUBLISH_FULL with `whenFull: 'reject'`, BROKER_REFUSED with the reason, BROKER_UNAVAILABLE
   * when the connection was ended before.
   */
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void>
  /**
   * Resolves true when all that the broker has sent is acknowledged and it has no more for us, which after
   * `unsubscribe` stays so; false when `timeout` is over or the connection ends before.
   */
  drain(timeout: Duration): Promise<boolean>
  /**
   * Ends the connection for good. Harmless twice.
   * @param options.sessionExpiry how long the broker keeps the session from now; 0: it forgets us. Default: as connected.
   * @param options.will true publishes the will first. Default false.
   * @param options.flush how long publishes that are under way are waited for. Default 5 s.
   */
  disconnect(options?: {
    readonly sessionExpiry?: Duration
    readonly will?: boolean
    readonly flush?: Duration
  }): Promise<void>
}
