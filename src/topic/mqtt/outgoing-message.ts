import { Buffer } from 'node:buffer'
import { InvalidOptionError, show } from '../../core/errors.ts'
import { integer } from '../../core/options.ts'
import type { MessageProperties, PublishOptions, Qos } from '../message.ts'
import { checkTopic } from '../topic-filter.ts'
import type { Publishing } from './outbox.ts'
import type { PacketProperties } from './packets.ts'

/** What MQTT can carry in one message, bytes (2.1.4), less what the rest of a packet may take. */
const MAX_PAYLOAD = 268_435_455 - 200_000
const MAX_TEXT = 65_535

/**
 * A message to be published, checked: the connection would end over one that cannot be written.
 * @throws InvalidOptionError
 */
export function publishingOf(
  topic: string,
  payload: Uint8Array | string,
  options: PublishOptions,
  isV5: boolean,
): Publishing {
  checkTopic(topic)
  return {
    topic,
    payload: bytesOf(payload),
    qos: integer({ min: 0, max: 2, default: 1 })(options.qos, 'qos') as Qos,
    retain: options.retain ?? false,
    properties: isV5 ? propertiesOf(options) : undefined,
    isBirth: false,
  }
}

function bytesOf(payload: Uint8Array | string): Buffer {
  if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    throw new InvalidOptionError('payload', `expected payload to be text or bytes, got: ${show(payload)}`)
  }
  const bytes = bufferOf(payload)
  if (bytes.length <= MAX_PAYLOAD) return bytes
  throw new InvalidOptionError(
    'payload',
    `expected payload to have at most ${MAX_PAYLOAD} bytes, got: ${bytes.length}`,
  )
}

/** Text as UTF-8, or the same bytes as a Buffer. */
export function bufferOf(bytes: Uint8Array | string): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * The properties of a message as they are written, undefined when there are none.
 * @throws InvalidOptionError
 */
export function propertiesOf(given: MessageProperties): PacketProperties | undefined {
  const { contentType, payloadFormat, messageExpirySeconds, responseTopic, correlationData, userProperties } =
    given
  const properties: { -readonly [K in keyof PacketProperties]: PacketProperties[K] } = {}
  if (contentType !== undefined) properties.contentType = text(contentType, 'contentType')
  if (payloadFormat !== undefined) properties.payloadFormatIndicator = payloadFormat === 'text'
  if (messageExpirySeconds !== undefined) {
    const rule = integer({ min: 0, max: 2 ** 32 - 1, default: 0 })
    properties.messageExpiryInterval = rule(messageExpirySeconds, 'messageExpirySeconds')
  }
  if (responseTopic !== undefined) properties.responseTopic = checkTopic(responseTopic, 'responseTopic')
  if (correlationData !== undefined) {
    if (!(correlationData instanceof Uint8Array) || correlationData.length > MAX_TEXT) {
      throw new InvalidOptionError(
        'correlationData',
        `expected correlationData to be at most ${MAX_TEXT} bytes`,
      )
    }
    properties.correlationData = bufferOf(correlationData)
  }
  if (userProperties !== undefined) properties.userProperties = pairs(userProperties)
  return Object.keys(properties).length === 0 ? undefined : properties
}

function pairs(given: NonNullable<MessageProperties['userProperties']>): Record<string, string | string[]> {
  const checked: Record<string, string | string[]> = {}
  for (const [name, values] of Object.entries(given)) {
    text(name, 'userProperties')
    const option = `userProperties[${show(name)}]`
    checked[name] =
      typeof values === 'string' ? text(values, option) : Array.from(values, (value) => text(value, option))
  }
  return checked
}

function text(value: string, option: string): string {
  if (typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= MAX_TEXT) return value
  throw new InvalidOptionError(
    option,
    `expected ${option} to be text of at most ${MAX_TEXT} bytes of UTF-8, got: ${show(value)}`,
  )
}
