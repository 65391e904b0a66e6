import { onTestFinished } from 'vitest'
import {
  MqttConnection,
  type MqttConnectionEvents,
  type Receipt,
  type Subscription,
} from '../../../src/topic/mqtt/connection.ts'
import type { MqttConnectionOptions } from '../../../src/topic/mqtt/mqtt-options.ts'
import type { TopicMessage } from '../../../src/topic/message.ts'

export interface TestClient {
  readonly connection: MqttConnection
  /** Of all messages, in the order of their arrival. */
  readonly texts: string[]
  readonly messages: TopicMessage[]
  /** Of messages that were not acknowledged at once. */
  readonly receipts: Receipt[]
  /** Names of the events, in their order, with the code of the error. */
  readonly events: string[]
}

export interface TestClientOptions extends MqttConnectionOptions {
  readonly subscriptions?: readonly Subscription[]
  /** Default: acknowledges at once. */
  readonly handle?: (message: TopicMessage, receipt: Receipt) => void
}

const EVENTS: readonly (keyof MqttConnectionEvents)[] = [
  ...(['connected', 'disconnected', 'failed', 'error', 'overdue', 'overflow', 'dropped'] as const),
]

/** A connection that is ended with the test. */
export async function client(options: TestClientOptions): Promise<TestClient> {
  const made = unconnected(options)
  await made.connection.connect()
  return made
}

export function unconnected({ subscriptions = [], handle, ...options }: TestClientOptions): TestClient {
  const messages: TopicMessage[] = []
  const receipts: Receipt[] = []
  const texts: string[] = []
  const events: string[] = []
  const connection = new MqttConnection({ retryDelay: '20ms', ...options }, (message, receipt) => {
    messages.push(message)
    texts.push(Buffer.from(message.payload).toString())
    if (handle === undefined) receipt.ack()
    else handle(message, receipt)
  })
  for (const name of EVENTS) {
    connection.events.on(name, (event) => {
      const error = 'error' in event ? event.error : undefined
      events.push(error === undefined ? name : `${name} ${'code' in error ? String(error.code) : error.name}`)
    })
  }
  void connection.subscribe(subscriptions)
  onTestFinished(() => connection.disconnect({ flush: 0 }))
  return { connection, texts, messages, receipts, events }
}

/** The error of what rejects. */
export async function failure(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; reasonCode?: number }> {
  return promise.then(
    () => {
      throw new Error('expected it to fail')
    },
    (error: unknown) => error as Error,
  )
}
