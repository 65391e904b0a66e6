import { silentLogger } from '../../../src/core/logger.ts'
import type { Delivery } from '../../../src/topic/delivery.ts'
import type { MessageProperties, PublishOptions, TopicMessage } from '../../../src/topic/message.ts'

export function messageOf(
  topic: string,
  payload: string | Uint8Array = '{}',
  more: Partial<Omit<TopicMessage, 'properties'>> & { properties?: MessageProperties } = {},
): TopicMessage {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  return { topic, payload: bytes, qos: 1, retain: false, dup: false, properties: {}, ...more }
}

export interface Published {
  readonly topic: string
  readonly payload: Uint8Array | string
  readonly options: PublishOptions | undefined
}

/** What surrounds a message, with notes of what was done by it. */
export interface TestDelivery extends Delivery {
  readonly abort: AbortController
  readonly published: Published[]
  acks: number
}

export function deliveryOf(): TestDelivery {
  const abort = new AbortController()
  const published: Published[] = []
  const delivery: TestDelivery = {
    abort,
    published,
    acks: 0,
    signal: abort.signal,
    logger: silentLogger,
    publish: async (topic, payload, options) => void published.push({ topic, payload, options }),
    ack: () => void delivery.acks++,
  }
  return delivery
}
