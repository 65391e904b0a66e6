import type { StandardSchemaV1 } from '@standard-schema/spec'
import { toMs } from '../core/duration.ts'
import { boolean, checkOptions, custom, integer, oneOf, optional, type Rule } from '../core/options.ts'
import { RetryPolicy, type RetryOptions } from '../core/retry.ts'
import type { Codec } from './codec/codec.ts'
import type { Qos } from './message.ts'
import type { AckMode, JobTarget, RetainedPolicy, RouteOptions } from './route-options.ts'
import { checkTopic } from './topic-filter.ts'

/** A route as it is used: its options complete, checked and frozen. */
export interface Route {
  /** As it was written, the prefixes of its groups included: `sensors/{sensorId}/temperature`. */
  readonly filter: string
  /** As MQTT has it: `sensors/+/temperature`. No two routes of a router have the same. */
  readonly mqttFilter: string
  readonly qos: Qos
  readonly shared: boolean
  /** Undefined: it does not say, and is served by all workers that there are. */
  readonly workerCount: number | undefined
  readonly concurrency: number
  readonly schema: StandardSchemaV1 | undefined
  /** Undefined: by the content type of each message. */
  readonly codec: Codec | undefined
  readonly ack: AckMode
  /** Ms; null: no limit; undefined: the worker's default. */
  readonly timeoutMs: number | null | undefined
  /** Null: one attempt; undefined: the worker's default. */
  readonly retry: RetryPolicy | null | undefined
  /** Null: nowhere; undefined: the worker's default. */
  readonly deadLetter: string | JobTarget | null | undefined
  /** The queue that its messages go to, of a route that was made with `to`. */
  readonly to: JobTarget | undefined
  readonly retained: RetainedPolicy
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isFunction = (value: unknown): boolean => typeof value === 'function'

/** True for what has the members of a JobTarget. */
export function isJobTarget(value: unknown): value is JobTarget {
  if (!isObject(value)) return false
  const { queue, type } = value as Partial<JobTarget>
  return isObject(queue) && typeof queue.add === 'function' && typeof type === 'string' && type !== ''
}

const timeoutMs: Rule<number | null | undefined> = (value, option) => {
  if (value === undefined) return undefined
  if (value === 'none') return null
  const ms = toMs(value as number | string, option)
  return integer({ min: 1, default: 1 })(Math.ceil(ms), option)
}

const retry: Rule<RetryPolicy | null | undefined> = (value) => {
  if (value === undefined || value instanceof RetryPolicy) return value
  return value === false ? null : new RetryPolicy(value as RetryOptions)
}

const deadLetter: Rule<string | JobTarget | null | undefined> = (value, option) => {
  if (value === undefined || isJobTarget(value)) return value
  if (value === false) return null
  if (typeof value === 'string') return checkTopic(value, option)
  return custom<JobTarget>('a topic, { queue, type } or false', isJobTarget)(value, option)
}

const to: Rule<JobTarget> = custom<JobTarget>('{ queue, type }', isJobTarget)

const schema: Rule<StandardSchemaV1> = custom<StandardSchemaV1>(
  'a schema of a Standard Schema library (zod, valibot, arktype, ...)',
  (value) => (isObject(value) || isFunction(value)) && isObject((value as StandardSchemaV1)['~standard']),
)

const isCodec = (value: unknown): boolean => {
  const { encode, decode } = (isObject(value) ? value : {}) as Partial<Record<keyof Codec, unknown>>
  return typeof encode === 'function' && typeof decode === 'function'
}

const codec: Rule<Codec> = custom<Codec>('a codec { name, contentTypes, encode, decode }', isCodec)

const qos: Rule<Qos> = (value, option) => integer({ min: 0, max: 2, default: 1 })(value, option) as Qos

const RULES = {
  qos,
  shared: boolean(false),
  workerCount: optional(integer({ min: 1, max: 10_000, default: 1 })),
  concurrency: integer({ min: 1, max: 1_000_000, default: 100 }),
  schema: optional(schema),
  codec: optional(codec),
  ack: oneOf(['onReceive', 'onSuccess', 'manual'], 'onSuccess'),
  timeout: timeoutMs,
  retry,
  deadLetter,
  to: optional(to),
  retained: optional(oneOf(['new', 'always', 'never'], 'new')),
}

/**
 * The options of a route, checked.
 * @throws InvalidOptionError naming the option and the route.
 */
export function makeRoute(
  filter: string,
  mqttFilter: string,
  options: RouteOptions & { readonly to?: JobTarget },
): Route {
  const { timeout, retained, ...checked } = checkOptions(`route "${filter}"`, RULES, options)
  return Object.freeze({
    filter,
    mqttFilter,
    ...checked,
    timeoutMs: timeout,
    retained: retained ?? (checked.shared ? 'never' : 'new'),
  })
}
