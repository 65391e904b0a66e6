import { Buffer } from 'node:buffer'
import { type Duration, toMs } from '../../core/duration.ts'
import { UnsupportedError } from '../../core/errors.ts'
import { randomText } from '../../core/id.ts'
import { after } from '../../core/timer.ts'
import type { PublishOptions, TopicMessage } from '../message.ts'
import { checkTopic } from '../topic-filter.ts'
import type { MqttConnection } from './connection.ts'
import { MqttError } from './mqtt-error.ts'
import { bufferOf } from './outgoing-message.ts'

export interface RequesterOptions {
  /** Where answers arrive: of this requester only. Default: `millhand/replies/` and the client id. */
  readonly responseTopic?: string
}

export interface RequestOptions extends Omit<PublishOptions, 'responseTopic' | 'correlationData'> {
  /** How long an answer is waited for. Default 30 s. The broker throws the request away when nobody took it by then. */
  readonly timeout?: Duration
}

/** What can carry an answer. Every MqttConnection can. */
export interface Publisher {
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void>
}

/**
 * Asks by a message and waits for the answer to it (MQTT 5: response topic and correlation data).
 *
 *     const requester = await Requester.over(connection)
 *     const { payload } = await requester.request('devices/7/commands', 'status?', { timeout: '2s' })
 */
export class Requester {
  readonly #connection: MqttConnection
  readonly #topic: string
  readonly #waiting = new Map<string, (answer: TopicMessage) => void>()
  readonly #unlisten: () => void

  private constructor(connection: MqttConnection, topic: string) {
    this.#connection = connection
    this.#topic = topic
    this.#unlisten = connection.listen(topic, (message, receipt) => {
      // One that is too late, or for an earlier run of this program, is of no use.
      receipt.ack()
      const { correlationData } = message.properties
      if (correlationData !== undefined) this.#waiting.get(keyOf(correlationData))?.(message)
    })
  }

  /**
   * Subscribes to the response topic.
   * @throws UnsupportedError for MQTT 3.1.1. MqttError when the broker refuses the subscription.
   */
  static async over(connection: MqttConnection, options: RequesterOptions = {}): Promise<Requester> {
    if (!connection.isV5)
      throw new UnsupportedError('requests need MQTT 5: by MQTT 3.1.1 nothing says what an answer belongs to')
    const topic = checkTopic(
      options.responseTopic ?? `millhand/replies/${connection.clientId}`,
      'responseTopic',
    )
    const requester = new Requester(connection, topic)
    try {
      await connection.subscribe([{ filter: topic, retained: 'never' }])
    } catch (error) {
      requester.#unlisten()
      throw error
    }
    return requester
  }

  /**
   * @returns the first answer.
   * @throws MqttError REQUEST_TIMEOUT, or what `publish` throws.
   */
  async request(
    topic: string,
    payload: Uint8Array | string,
    options: RequestOptions = {},
  ): Promise<TopicMessage> {
    const { timeout = '30s', ...publish } = options
    const timeoutMs = toMs(timeout, 'timeout')
    const key = randomText(16)
    const answer = Promise.withResolvers<TopicMessage>()
    this.#waiting.set(key, answer.resolve)
    const cancel = after(timeoutMs, () =>
      answer.reject(
        new MqttError('REQUEST_TIMEOUT', `nobody answered the request to "${topic}" within ${timeoutMs} ms`),
      ),
    )
    try {
      const published = this.#connection.publish(topic, payload, {
        messageExpirySeconds: Math.max(1, Math.ceil(timeoutMs / 1000)),
        ...publish,
        responseTopic: this.#topic,
        correlationData: Buffer.from(key, 'latin1'),
      })
      // The answer may be here before the broker's word on the request is.
      return await Promise.race([answer.promise, published.then(() => answer.promise)])
    } finally {
      cancel()
      this.#waiting.delete(key)
    }
  }

  /** Answers are no longer heard: requests under way end by their timeouts. */
  async close(): Promise<void> {
    this.#unlisten()
    await this.#connection.unsubscribe([this.#topic])
  }
}

/**
 * Answers a request.
 * @throws UnsupportedError when the message does not say where an answer is expected.
 */
export async function respond(
  publisher: Publisher,
  request: TopicMessage,
  payload: Uint8Array | string,
  options: Omit<PublishOptions, 'responseTopic' | 'correlationData'> = {},
): Promise<void> {
  const { responseTopic, correlationData } = request.properties
  if (responseTopic === undefined) {
    throw new UnsupportedError(`the message to "${request.topic}" is no request: it has no response topic`)
  }
  const answers = correlationData === undefined ? {} : { correlationData }
  await publisher.publish(responseTopic, payload, { ...options, ...answers })
}

function keyOf(correlationData: Uint8Array): string {
  return bufferOf(correlationData).toString('latin1')
}
