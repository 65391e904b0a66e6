import type { TopicMessage } from '../message.ts'

/** How a handler of a message tells that it is done: it will not come again. */
export interface Receipt {
  /**
   * In any order, at any time, more than once: what the broker hears leaves in the order in which the messages
   * arrived. Harmless after the connection was lost: the message comes again then, unless it can be recognised.
   */
  ack(): void
}

/** Called for each message, synchronously; what it throws is emitted as `error`, and the message stays unacknowledged. */
export type OnMessage = (message: TopicMessage, receipt: Receipt) => void
