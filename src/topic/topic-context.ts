import { StateError, toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { capture, type Capture } from './capture.ts'
import type { Codecs } from './codec/codecs.ts'
import type { Delivery } from './delivery.ts'
import type { PublishOptions, TopicMessage } from './message.ts'
import { checkPayload, undecodable } from './payload-check.ts'
import type { Route } from './route.ts'
import type { ParamsOf } from './topic-params.ts'
import type { TopicReader } from './topic-reader.ts'

/** What a route knows of its messages. */
export interface Reading {
  readonly route: Route
  readonly captures: readonly Capture[]
  readonly codecs: Codecs
  readonly topics: TopicReader
}

/** How far the payload is: decoding it is left until somebody looks at it. */
type Stage = 'raw' | 'checking' | 'ready' | 'broken'

/** A message as its handlers see it. Its members can be destructured; what nobody reads is never made. */
export class TopicContext<Filter extends string = string, Payload = unknown> {
  /** As it arrived, with its bytes, QoS and properties. */
  readonly message: TopicMessage
  readonly #reading: Reading
  readonly #delivery: Delivery
  #params: ParamsOf<Filter> | undefined
  #stage: Stage = 'raw'
  #value: unknown = undefined

  constructor(reading: Reading, message: TopicMessage, delivery: Delivery) {
    this.message = message
    this.#reading = reading
    this.#delivery = delivery
  }

  get topic(): string {
    return this.message.topic
  }

  get route(): Route {
    return this.#reading.route
  }

  /** What the topic has in the places of `{name}`, and as `rest` in the place of `#`. */
  get params(): ParamsOf<Filter> {
    return (this.#params ??= capture(
      this.#reading.captures,
      this.message.topic,
      this.#reading.topics,
    ) as ParamsOf<Filter>)
  }

  /**
   * Decoded, and as the schema of the route gives it back. A middleware may put another value in its place.
   * @throws InvalidPayloadError when it cannot be decoded or does not match; the message is dead-lettered with it.
   * @throws StateError in a middleware, when the schema is asynchronous: the payload is there for the handler only.
   */
  get payload(): Payload {
    if (this.#stage !== 'ready') this.#read()
    if (this.#stage === 'checking') {
      throw new StateError(
        `expected the payload to be read by the handler of "${this.route.filter}", not by a middleware before it: its schema is asynchronous`,
      )
    }
    return this.#value as Payload
  }

  set payload(value: Payload) {
    this.#value = value
    this.#stage = 'ready'
  }

  /** Aborts when the time of the handler is over, and when its worker must end. */
  get signal(): AbortSignal {
    return this.#delivery.signal
  }

  /** Logs with the topic and the route. */
  get logger(): Logger {
    return this.#delivery.logger.child({ topic: this.topic, route: this.route.filter })
  }

  /**
   * Publishes a value, encoded as its content type says; without one as the route's own codec does, else as JSON,
   * bytes and text as they are. Resolves when the message is with the broker; it waits where too many are on the way.
   */
  get publish(): (topic: string, value: unknown, options?: PublishOptions) => Promise<void> {
    return async (topic, value, options) => {
      const { payload, contentType } = this.#reading.codecs.encode(
        value,
        options?.contentType,
        this.#reading.route.codec,
      )
      const typed = contentType === undefined ? options : { ...options, contentType }
      await this.#delivery.publish(topic, payload, typed)
    }
  }

  /**
   * Answers a request: publishes to the topic that it names, with what it wants sent back.
   * @throws StateError when the message names no topic for an answer.
   */
  get reply(): (value: unknown, options?: PublishOptions) => Promise<void> {
    return async (value, options) => {
      const { responseTopic, correlationData } = this.message.properties
      if (responseTopic === undefined) {
        throw new StateError(
          `expected the message to "${this.topic}" to be a request: it names no responseTopic`,
        )
      }
      const correlated = correlationData === undefined ? options : { ...options, correlationData }
      await this.publish(responseTopic, value, correlated)
    }
  }

  /** Acknowledges the message; for routes with `ack: 'manual'`. */
  get ack(): () => void {
    return () => this.#delivery.ack()
  }

  /** @internal Reads the payload if nobody did. @returns a promise when the schema needs time. */
  static ready(context: TopicContext): PromiseLike<unknown> | undefined {
    if (context.#stage !== 'ready') context.#read()
    return context.#stage === 'checking' ? (context.#value as PromiseLike<unknown>) : undefined
  }

  #read(): void {
    if (this.#stage === 'checking') return
    if (this.#stage === 'broken') throw toError(this.#value)
    const { route, codecs } = this.#reading
    try {
      const decoded = codecs.decode(this.message, route.codec)
      if (route.schema === undefined) this.payload = decoded as Payload
      else this.#check(checkPayload(route.schema, decoded, route.filter))
    } catch (error) {
      this.#break(error)
    }
  }

  #check(value: unknown): void {
    if (!(value instanceof Promise)) {
      this.payload = value as Payload
      return
    }
    this.#stage = 'checking'
    this.#value = value.then(
      (settled) => {
        this.payload = settled as Payload
      },
      (error: unknown) => this.#break(error),
    )
    // Where a middleware ends the message before its handler, nobody waits for it.
    ;(this.#value as Promise<void>).catch(() => {})
  }

  #break(error: unknown): never {
    this.#value = undecodable(error)
    this.#stage = 'broken'
    throw toError(this.#value)
  }
}
