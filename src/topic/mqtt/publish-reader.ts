import { Buffer } from 'node:buffer'
import { malformed, readProperties } from './publish-properties.ts'
import type { PublishPacket } from './packets.ts'
import type { Qos } from '../message.ts'
import { MAX_LENGTH_BYTES, Varint } from './varint.ts'

const PUBLISH = 3
const RETAIN = 1
const DUP = 8

export interface PublishReaderEvents {
  readonly onPublish: (packet: PublishPacket) => void
  /** Any other packet, whole, as it came. */
  readonly onOther: (packet: Buffer) => void
}

/**
 * Reads messages from the bytes of a connection, and lets all other packets go on to where they are read, in their
 * order. Messages are many and the rest is few: read with the rest by mqtt.js, each costs twice as much and a turn of
 * its own.
 */
export class PublishReader {
  readonly #isV5: boolean
  readonly #events: PublishReaderEvents
  readonly #varint = new Varint()
  /** The beginning of a packet of which more is to come. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** How many bytes of it there must be before it is looked at again. */
  #needed = 0

  constructor(isV5: boolean, events: PublishReaderEvents) {
    this.#isV5 = isV5
    this.#events = events
  }

  /** @throws MqttError PROTOCOL for what is no MQTT; what the events throw. Then it is not to be called again. */
  read(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : this.#joined(chunk)
    if (bytes === undefined) return
    let at = 0
    while (at < bytes.length) {
      const length = this.#varint.read(bytes, at + 1, bytes.length)
      if (length === undefined) {
        if (bytes.length - at > MAX_LENGTH_BYTES) throw malformed('the length of a packet')
        return this.#hold(bytes.subarray(at), bytes.length - at + 1)
      }
      const body = this.#varint.end
      const end = body + length
      if (end > bytes.length) return this.#hold(bytes.subarray(at), end - at)
      if (bytes[at]! >> 4 === PUBLISH) this.#events.onPublish(this.#publish(bytes, at, body, end))
      else this.#events.onOther(bytes.subarray(at, end))
      at = end
    }
  }

  #publish(bytes: Buffer, at: number, body: number, end: number): PublishPacket {
    const flags = bytes[at]!
    const qos = (flags >> 1) & 3
    if (qos === 3) throw malformed('the QoS of a message')
    const topicEnd = body + 2 + (bytes[body]! << 8) + bytes[body + 1]!
    let payloadAt = qos === 0 ? topicEnd : topicEnd + 2
    // Also where a length was read beyond the end, and is not a number.
    if (!(payloadAt <= end)) throw malformed('a message')
    const topic = bytes.toString('utf8', body + 2, topicEnd)
    const messageId = qos === 0 ? undefined : (bytes[topicEnd]! << 8) + bytes[topicEnd + 1]!
    if (messageId === 0) throw malformed('the id of a message')
    let properties: PublishPacket['properties']
    if (this.#isV5) {
      const length = this.#varint.read(bytes, payloadAt, end)
      const first = this.#varint.end
      if (length === undefined || first + length > end) throw malformed('the properties of a message')
      payloadAt = first + length
      if (length > 0) properties = readProperties(bytes, first, payloadAt)
    }
    const packet = {
      cmd: 'publish',
      topic,
      payload: bytes.subarray(payloadAt, end),
      qos: qos as Qos,
      retain: (flags & RETAIN) !== 0,
      dup: (flags & DUP) !== 0,
    } as const
    if (messageId === undefined) return properties === undefined ? packet : { ...packet, properties }
    return properties === undefined ? { ...packet, messageId } : { ...packet, messageId, properties }
  }

  #hold(rest: Buffer, needed: number): void {
    this.#held.push(rest)
    this.#heldBytes = rest.length
    this.#needed = needed
  }

  /** A large packet comes in many chunks, which are joined once. */
  #joined(chunk: Buffer): Buffer | undefined {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes < this.#needed) return undefined
    const joined = Buffer.concat(this.#held, this.#heldBytes)
    this.#held = []
    return joined
  }
}
