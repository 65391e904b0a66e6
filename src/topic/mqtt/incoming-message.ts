import type { MessageProperties, TopicMessage } from '../message.ts'
import type { PacketProperties, PublishPacket } from './packets.ts'

const NONE: MessageProperties = Object.freeze({})

/** A message as handlers see it. */
export function messageOf(packet: PublishPacket): TopicMessage {
  const { topic, payload, qos, retain, dup, properties } = packet
  if (properties === undefined) return { topic, payload, qos, retain, dup, properties: NONE }
  const { subscriptionIdentifier: ids } = properties
  const message = { topic, payload, qos, retain, dup, properties: propertiesOf(properties) }
  if (ids === undefined) return message
  return { ...message, subscriptionIds: typeof ids === 'number' ? [ids] : ids }
}

function propertiesOf(given: PacketProperties): MessageProperties {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = given
  const { correlationData, userProperties } = given
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(payloadFormatIndicator === undefined
      ? {}
      : { payloadFormat: payloadFormatIndicator ? ('text' as const) : ('bytes' as const) }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpirySeconds: messageExpiryInterval }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(userProperties === undefined ? {} : { userProperties }),
  }
}
