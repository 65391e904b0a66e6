import type { Logger } from '../core/logger.ts'
import type { PublishOptions } from './message.ts'
import type { Route } from './route.ts'

/** What surrounds a message while it is handled: made by whoever took it from the broker. */
export interface Delivery {
  /** Aborts on timeout, shutdown and lost connection. Read only when a handler asks for it, so it may be a getter. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Resolves when the message is with the broker, as its QoS has it. */
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<void>
  /** Of a route with `ack: 'manual'`: the message is done, whatever its handler still does. Harmless twice. */
  ack(): void
}

/** What became of a message. */
export type Outcome =
  | { readonly kind: 'handled' }
  /** A handler or middleware threw. */
  | { readonly kind: 'failed'; readonly route: Route; readonly error: Error }
  /** It could not be decoded, or does not match the schema of its route: trying again is in vain. */
  | { readonly kind: 'undecodable'; readonly route: Route; readonly error: Error }
  /** No route takes its topic. */
  | { readonly kind: 'unroutable' }
  /**
   * It is not for a handler here, and to be acknowledged: a copy that came by one of several subscriptions that
   * overlap, while another copy goes to the route that it belongs to; or kept by the broker, and its route wants none
   * of those.
   */
  | { readonly kind: 'unwanted' }
