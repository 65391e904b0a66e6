import type { Qos } from '../message.ts'

/** The packets of MQTT, as mqtt-packet reads and writes them, as far as they are used here. */

export interface PacketProperties {
  readonly payloadFormatIndicator?: boolean
  readonly messageExpiryInterval?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  readonly subscriptionIdentifier?: number | readonly number[]
}

export interface PublishPacket {
  readonly cmd: 'publish'
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly messageId?: number
  readonly properties?: PacketProperties
}

/** The broker's word on a CONNECT, or its farewell. */
export interface VerdictPacket {
  readonly cmd: 'connack' | 'disconnect'
  readonly sessionPresent?: boolean
  /** Of MQTT 5. */
  readonly reasonCode?: number
  /** Of a CONNACK of MQTT 3.1.1. */
  readonly returnCode?: number
  readonly properties?: {
    readonly reasonString?: string
    readonly serverReference?: string
    readonly assignedClientIdentifier?: string
    readonly receiveMaximum?: number
    readonly maximumQoS?: number
    readonly maximumPacketSize?: number
    readonly retainAvailable?: boolean
  }
}

/** An answer to what we have sent under a packet id. */
export interface AnswerPacket {
  readonly cmd: 'puback' | 'pubrec' | 'pubcomp' | 'suback' | 'unsuback'
  readonly messageId: number
  readonly reasonCode?: number
  /** Of a SUBACK, and of an UNSUBACK of MQTT 5: one for each filter. */
  readonly granted?: readonly number[]
  readonly properties?: { readonly reasonString?: string }
}

export interface PubrelPacket {
  readonly cmd: 'pubrel'
  readonly messageId: number
}

export type Incoming =
  | PublishPacket
  | VerdictPacket
  | AnswerPacket
  | PubrelPacket
  | { readonly cmd: 'pingresp' }

export interface SubscribeEntry {
  readonly topic: string
  readonly qos: Qos
  /** Retain handling. */
  readonly rh?: 0 | 1 | 2
  readonly nl?: boolean
  readonly rap?: boolean
}

export type Outgoing =
  | PublishPacket
  | PubrelPacket
  | { readonly cmd: 'pingreq' }
  | {
      readonly cmd: 'subscribe'
      readonly messageId: number
      readonly subscriptions: readonly SubscribeEntry[]
      readonly properties?: { readonly subscriptionIdentifier: number }
    }
  | {
      readonly cmd: 'unsubscribe'
      readonly messageId: number
      readonly unsubscriptions: readonly string[]
    }

/** The first byte of the answers that have a packet id and nothing else. */
export const PUBACK = 0x40
export const PUBREC = 0x50
export const PUBCOMP = 0x70
