import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Duration } from '../core/duration.ts'
import type { RetryOptions, RetryPolicy } from '../core/retry.ts'
import type { Codec } from './codec/codec.ts'
import type { Qos } from './message.ts'

/**
 * When a message is acknowledged. `onReceive`: before its handler runs, so that a crash loses it. `onSuccess`: when it
 * is handled, or with the dead letters. `manual`: when the handler calls `ack()`, or fails.
 */
export type AckMode = 'onReceive' | 'onSuccess' | 'manual'

/**
 * Which of the messages that the broker keeps a route gets. `new`: those that it has when the subscription is made,
 * not again at each reconnect. `always`: at each connect. `never`: none.
 */
export type RetainedPolicy = 'new' | 'always' | 'never'

/** A durable queue, as far as topics need to know one. Every `Queue` is one. */
export interface JobSink {
  readonly name: string
  add(type: never, payload: never, options?: never): Promise<unknown>
}

/** Messages become jobs of a queue. */
export interface JobTarget {
  readonly queue: JobSink
  /** The type of the jobs. */
  readonly type: string
}

/** What the routes of a router or group have in common, unless they say otherwise. */
export interface RouteDefaults {
  /** The most that the broker may promise. Default 1. */
  readonly qos?: Qos
  /**
   * True: all workers of the group share one subscription, and each message goes to one of them. False: the
   * first worker alone has it. Default false.
   */
  readonly shared?: boolean
  /** In how many workers a shared route is served, however many there are. Default: in all of them. */
  readonly workerCount?: number
  /** How many messages of the route a worker handles at once. Default 100. */
  readonly concurrency?: number
  /** For all messages, whatever they say they are. Default: by the content type of each. */
  readonly codec?: Codec
  /** Default `'onSuccess'`. */
  readonly ack?: AckMode
  /** The longest time of one attempt; when it is over the signal aborts. `'none'`: no limit. Default: the worker's. */
  readonly timeout?: Duration | 'none'
  /** Attempts in process before the dead letters; false: one attempt. Default: the worker's. */
  readonly retry?: RetryPolicy | RetryOptions | false
  /** Where what failed for good goes: a topic, or jobs of a queue; false: nowhere. Default: the worker's. */
  readonly deadLetter?: string | JobTarget | false
  /** Default `'new'`, and `'never'` for shared routes. */
  readonly retained?: RetainedPolicy
}

export interface RouteOptions<
  S extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined,
> extends RouteDefaults {
  /** What the decoded payload must be: a schema of any Standard Schema library. Default: anything. */
  readonly schema?: S
}
