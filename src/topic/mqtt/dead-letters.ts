import { Buffer } from 'node:buffer'
import { backoffMs } from '../../core/backoff.ts'
import { MillhandError, toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { sleep } from '../../core/sleep.ts'
import type { PublishOptions, TopicMessage } from '../message.ts'
import type { Route } from '../route.ts'
import type { JobTarget } from '../route-options.ts'

/** Why a message is not handled. */
export interface DeathCause {
  /** `failed`: its handler, for good. `undecodable`: it is not what its route takes. `unroutable`: no route takes it. */
  readonly reason: 'failed' | 'undecodable' | 'unroutable'
  readonly error: Error
  readonly route: Route | undefined
  readonly attempts: number
}

export interface DeadLettersOptions {
  publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<void>
  readonly worker: string
  readonly logger: Logger
  /** Aborts when there is no time left. */
  readonly signal: AbortSignal
}

type Target = string | JobTarget | null

/** A text in a property has at most 65,535 bytes, and brokers allow less for all of them together. */
const MAX_TEXT = 1000
/** A dead letter is tried again for as long as it takes: without it the message would have to stay here. */
const BACKOFF = { baseMs: 250, maxMs: 30_000, factor: 2, jitter: 'equal' } as const

/** Takes what cannot be handled out of the way, with the cause, so that it can be acknowledged. */
export class DeadLetters {
  readonly #options: DeadLettersOptions

  constructor(options: DeadLettersOptions) {
    this.#options = options
  }

  /**
   * @returns true when the message is kept there, or is meant to be thrown away; false when the worker ended before.
   * Never rejects.
   */
  async send(message: TopicMessage, cause: DeathCause, target: Target): Promise<boolean> {
    const { logger, signal } = this.#options
    const { topic } = message
    const { reason, error, attempts } = cause
    const told = { topic, route: cause.route?.filter, reason, attempts, err: error }
    // A dead letter that comes back, by a route such as '#', would otherwise go round for ever.
    if (target === null || target === topic) {
      logger.error(told, 'a message is dead, and is thrown away')
      return true
    }
    const to = typeof target === 'string' ? `topic ${target}` : `queue ${target.queue.name}`
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        await this.#keep(message, cause, target)
        logger.error(told, `a message is dead: it went to the ${to}`)
        return true
      } catch (thrown) {
        const err = toError(thrown)
        logger.error({ ...told, err }, `a dead message cannot go to the ${to}; it is tried again`)
      }
      await sleep(backoffMs(BACKOFF, tries), signal)
    }
    return false
  }

  async #keep(message: TopicMessage, cause: DeathCause, target: string | JobTarget): Promise<void> {
    const facts = this.#facts(message, cause)
    if (typeof target === 'string') {
      const { userProperties, ...properties } = message.properties
      const options = { ...properties, qos: 1, retain: false } as const
      return this.#options.publish(target, message.payload, {
        ...options,
        userProperties: { ...userProperties, ...facts },
      })
    }
    const queue = target.queue as { add(type: string, payload: unknown): Promise<unknown> }
    await queue.add(target.type, deadJob(message, cause, facts))
  }

  /** What is told as user properties; all of it texts that MQTT can carry. */
  #facts(message: TopicMessage, { reason, error, route, attempts }: DeathCause): Record<string, string> {
    return {
      'dead-reason': reason,
      'dead-error': plain(error.message),
      'dead-error-type': plain(error.name),
      ...(error instanceof MillhandError && { 'dead-error-code': error.code }),
      'dead-topic': message.topic,
      ...(route !== undefined && { 'dead-route': route.filter }),
      'dead-attempts': String(attempts),
      'dead-failed-at': new Date().toISOString(),
      'dead-worker': plain(this.#options.worker),
    }
  }
}

/** The payload of a job that is a dead letter; the names are those of a queue's own dead letters. */
function deadJob(
  message: TopicMessage,
  { error, attempts, reason, route }: DeathCause,
  facts: Record<string, string>,
): object {
  const { topic, payload, qos, retain, properties } = message
  const { userProperties = {}, contentType, responseTopic } = properties
  return {
    original: {
      ...{ topic, qos, retain, userProperties },
      ...(contentType !== undefined && { contentType }),
      ...(responseTopic !== undefined && { responseTopic }),
      ...bodyOf(payload),
    },
    ...{ reason, attempts, error: plain(error.message), errorType: error.name },
    ...(route !== undefined && { route: route.filter }),
    failedAt: facts['dead-failed-at'],
  }
}

function bodyOf(payload: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload) }
  } catch {
    return { base64: Buffer.from(payload).toString('base64') }
  }
}

/** Without what MQTT forbids in a text, and not too long. */
function plain(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text
  return short.toWellFormed().replace(/\p{Cc}+/gu, ' ')
}
