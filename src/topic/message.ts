/** MQTT's promise for a message: 0 at most once, 1 at least once, 2 exactly once between client and broker. */
export type Qos = 0 | 1 | 2

/** What a message says of itself. All of it is MQTT 5; by MQTT 3.1.1 none of it arrives. */
export interface MessageProperties {
  /** A media type: `application/json`. Chooses the codec. */
  readonly contentType?: string
  /** What the publisher says the payload is: any bytes, or UTF-8 text. */
  readonly payloadFormat?: 'bytes' | 'text'
  /** The broker throws the message away when it could not be delivered within so many seconds. */
  readonly messageExpirySeconds?: number
  /** Where an answer is expected. */
  readonly responseTopic?: string
  /** To be sent back with the answer, as it is. */
  readonly correlationData?: Uint8Array
  /** Names may come more than once. */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
}

/** A message as it arrived. */
export interface TopicMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  /** True for what the broker had kept, false for what was published while we were subscribed. */
  readonly retain: boolean
  /** True when the broker may have sent it before. */
  readonly dup: boolean
  readonly properties: MessageProperties
  /** The identifiers of the subscriptions that it came by, where the broker tells them (MQTT 5). */
  readonly subscriptionIds?: readonly number[]
}

/** How a message is published. */
export interface PublishOptions extends MessageProperties {
  /** Default 1. */
  readonly qos?: Qos
  /** Whether the broker keeps it for those who subscribe later. Default false. */
  readonly retain?: boolean
}
