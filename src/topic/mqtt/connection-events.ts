import type { MqttError } from './mqtt-error.ts'

export interface MqttConnectionEvents {
  /** Subscribed and ready, at first and after each reconnect, after so many attempts. */
  readonly connected: { readonly sessionPresent: boolean; readonly attempts: number }
  /** The connection was lost, or an attempt to get it back has failed. It is tried again after `retryInMs`. */
  readonly disconnected: { readonly error: MqttError; readonly retryInMs: number }
  /** It is over for good: nothing more arrives. Another `connect` is a new beginning. */
  readonly failed: { readonly error: MqttError }
  /** Something went wrong, and work goes on. */
  readonly error: { readonly error: Error }
  /** A message at the head of the window was not acknowledged in time: the connection is dropped. */
  readonly overdue: { readonly error: MqttError; readonly topic: string; readonly waiting: number }
  /** More arrived than could be held: the connection was dropped on purpose. */
  readonly overflow: { readonly messages: number; readonly bytes: number }
  /** A message of QoS 0 was thrown away because nothing more could be held. */
  readonly dropped: { readonly messages: number }
}

/** Figures of now, for scaling and health. */
export interface MqttConnectionState {
  readonly connected: boolean
  /** Messages with `onMessage`, not acknowledged. */
  readonly unacked: number
  /** Messages that wait for their place in the window. */
  readonly waiting: number
  /** Messages that were published and that the broker does not have yet. */
  readonly publishing: number
}
