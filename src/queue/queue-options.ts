import type { StandardSchemaV1 } from '@standard-schema/spec'
import { toMs, type Duration } from '../core/duration.ts'
import { silentLogger, type Logger } from '../core/logger.ts'
import { checkOptions, custom, duration, integer, oneOf, optional, type Rule } from '../core/options.ts'
import { RetryPolicy, type RetryOptions } from '../core/retry.ts'
import type { Backend } from './backend.ts'
import { jsonCodec, type Codec } from './codec.ts'
import { NO_PAYLOAD } from './transition.ts'
import type { JobSchemas } from './schema.ts'

/** For how long finished jobs are kept: a duration, or `'forever'`, that is until they are purged. */
export type Keep = Duration | 'forever'

export interface RetentionOptions {
  /** Default 0: removed as soon as they are done. With a span, results are kept too. */
  readonly done?: Keep
  /** Default 0. */
  readonly cancelled?: Keep
  /** Default `'forever'`: a dead letter is removed by `queue.dead.purge()`. 0: jobs that fail for good vanish. */
  readonly dead?: Keep
}

export interface QueueOptions<S extends JobSchemas> {
  /** Where jobs are kept: `sqlite('jobs.db')`, `memory()`, or what `openBackend(url)` gives. */
  readonly backend: Backend
  /** The job types, each with the schema of its payload. Default: any type with any payload. */
  readonly jobs?: S
  /** What happens to jobs that fail: a policy, or its options. */
  readonly retry?: RetryPolicy | RetryOptions
  /** No more unfinished jobs than this. Default 10,000,000. */
  readonly maxLength?: number
  /** What an add to a full queue does: fail with QUEUE_FULL, or wait for room first. Default `'reject'`. */
  readonly whenFull?: 'reject' | 'wait'
  /** How long it waits. Default `'30s'`. */
  readonly fullTimeout?: Duration
  /**
   * How long an add waits for a store that is away (a server that restarts, say) before it fails with
   * BACKEND_UNAVAILABLE. It is tried again meanwhile, and is never a second job; for that the store remembers the ids
   * of done jobs for this span, which costs some speed and space. Default 0: it fails at once.
   */
  readonly offlineWait?: Duration
  /** The largest payload, encoded, in bytes. Default 1 MiB. */
  readonly maxPayloadBytes?: number
  readonly retention?: RetentionOptions
  /** For how long after its end the id that you gave a job refuses a second add. Default `'1d'`. */
  readonly dedupeWindow?: Duration
  /** A job whose worker died so often while it ran is dead-lettered. Default 3. */
  readonly maxCrashes?: number
  /**
   * How long a job waits for a worker that understands it, when its type or payload is unknown to those that
   * are there (a newer producer may have written it), before it is dead-lettered. Default `'1h'`.
   */
  readonly unknownGrace?: Duration
  /** How payloads and results are encoded. Default: strict JSON. */
  readonly codec?: Codec
  /** Default: silent. */
  readonly logger?: Logger
}

/** Ms, or null for ever. */
function keep(fallback: Keep): Rule<number | null> {
  return (value = fallback, option) => (value === 'forever' ? null : toMs(value as Duration, option))
}

const RETENTION = { done: keep(0), cancelled: keep(0), dead: keep('forever') }

const RULES = {
  backend: custom<Backend>(
    "a backend such as sqlite('jobs.db') from 'millhand/sqlite'",
    (value) => typeof (value as Backend | undefined)?.exchange === 'function',
  ),
  jobs: optional(custom<JobSchemas>('an object of Standard Schemas by job type', areSchemas)),
  retry: retryPolicy,
  maxLength: integer({ min: 1, default: 10_000_000 }),
  whenFull: oneOf(['reject', 'wait'], 'reject'),
  fullTimeout: duration({ default: '30s' }),
  offlineWait: duration({ default: 0 }),
  maxPayloadBytes: integer({ min: 1, default: 1024 * 1024 }),
  retention: (value: unknown) => checkOptions('retention', RETENTION, value),
  dedupeWindow: duration({ default: '1d' }),
  maxCrashes: integer({ min: 1, default: 3 }),
  unknownGrace: duration({ default: '1h' }),
  codec: custom<Codec>(
    `a codec with name, encode and decode, not named "${NO_PAYLOAD}"`,
    (value) =>
      typeof (value as Codec | undefined)?.decode === 'function' && (value as Codec).name !== NO_PAYLOAD,
    () => jsonCodec,
  ),
  logger: custom<Logger>(
    'a logger with debug, info, warn, error and child',
    (value) => typeof (value as Logger | undefined)?.child === 'function',
    () => silentLogger,
  ),
}

/** The options of a queue, complete, times in ms; null stands for no limit, or for ever. */
export interface QueueSettings {
  readonly backend: Backend
  readonly jobs: JobSchemas | undefined
  readonly retry: RetryPolicy
  readonly maxLength: number
  readonly whenFull: 'reject' | 'wait'
  readonly fullTimeout: number
  readonly offlineWait: number
  readonly maxPayloadBytes: number
  readonly retention: {
    readonly done: number | null
    readonly cancelled: number | null
    readonly dead: number | null
  }
  readonly dedupeWindow: number
  readonly maxCrashes: number
  readonly unknownGrace: number
  readonly codec: Codec
  readonly logger: Logger
}

export function checkQueueOptions(options: unknown): QueueSettings {
  return checkOptions('Queue', RULES, options)
}

function areSchemas(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).every((schema) => {
    const standard = (schema as Partial<StandardSchemaV1> | undefined)?.['~standard']
    return typeof standard?.validate === 'function'
  })
}

function retryPolicy(value: unknown): RetryPolicy {
  return value instanceof RetryPolicy ? value : new RetryPolicy(value as RetryOptions | undefined)
}
