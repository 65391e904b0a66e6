import type { Buffer } from 'node:buffer'
import { MqttError } from './mqtt-error.ts'
import type { PacketProperties } from './packets.ts'
import { Varint } from './varint.ts'

type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

/** The properties that a PUBLISH may have, by their identifiers (MQTT 5, 2.2.2.2). */
const PAYLOAD_FORMAT = 0x01
const EXPIRY = 0x02
const CONTENT_TYPE = 0x03
const RESPONSE_TOPIC = 0x08
const CORRELATION_DATA = 0x09
const SUBSCRIPTION_ID = 0x0b
const USER_PROPERTY = 0x26

/** The properties of a message, between two places. @throws MqttError PROTOCOL */
export function readProperties(bytes: Buffer, from: number, to: number): PacketProperties {
  const properties: Writable<PacketProperties> = {}
  const ids: number[] = []
  // Names are the sender's, and may be those of members that every object has.
  const user = Object.create(null) as Record<string, string | string[]>
  const varint = new Varint()
  let at = from
  /** So many bytes from here on. */
  const take = (count: number): number => {
    const first = at
    at += count
    // Also where a length was read beyond the end, and is not a number.
    if (!(at <= to)) throw malformed('the properties of a message')
    return first
  }
  const field = (): Buffer => {
    const length = bytes.readUInt16BE(take(2))
    const first = take(length)
    return bytes.subarray(first, first + length)
  }
  while (at < to) {
    const id = bytes[take(1)]
    if (id === PAYLOAD_FORMAT) properties.payloadFormatIndicator = bytes[take(1)] === 1
    else if (id === EXPIRY) properties.messageExpiryInterval = bytes.readUInt32BE(take(4))
    else if (id === CONTENT_TYPE) properties.contentType = field().toString()
    else if (id === RESPONSE_TOPIC) properties.responseTopic = field().toString()
    else if (id === CORRELATION_DATA) properties.correlationData = field()
    else if (id === SUBSCRIPTION_ID) {
      const value = varint.read(bytes, at, to)
      if (value === undefined) throw malformed('a subscription identifier')
      at = varint.end
      ids.push(value)
    } else if (id === USER_PROPERTY) {
      const name = field().toString()
      const value = field().toString()
      const before = user[name]
      user[name] = before === undefined ? value : [before, value].flat()
      properties.userProperties = user
    } else throw malformed(`property ${id} of a message`)
  }
  if (ids.length > 0) properties.subscriptionIdentifier = ids.length === 1 ? ids[0]! : ids
  return properties
}

/** The error of bytes that are no MQTT. */
export function malformed(what: string): MqttError {
  return new MqttError('PROTOCOL', `the broker has sent what is no MQTT: ${what} is malformed`)
}
