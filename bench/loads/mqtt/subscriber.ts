import type { Payload } from '../../payload.ts'

export interface SubscriberOptions {
  readonly url: string
  /** Whose session has the messages. */
  readonly clientId: string
  readonly qos: 0 | 1
  /** A message is acknowledged when this is over, where the subscriber can. */
  readonly handle: (device: string, payload: Payload) => Promise<void> | void
}

/** Subscribes to FILTER, decodes the JSON of each message, takes the device from its topic, and handles both. */
export interface Subscriber {
  /** Connects. */
  start(): Promise<void>
  /** Ends; the session is kept. */
  stop(): Promise<void>
}

export type OpenSubscriber = (options: SubscriberOptions) => Subscriber

export const FILTER = 'bench/+/state'
/** May be with the subscriber at once without an answer, for all subscribers. */
export const WINDOW = 100

export function topicOf(n: number): string {
  return `bench/device-${n % 100}/state`
}
