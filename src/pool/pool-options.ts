import type { Duration } from '../core/duration.ts'
import { availableParallelism } from 'node:os'
import { toBytes, type ByteSize } from '../core/byte-size.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { custom, duration, integer, oneOf, optional, type Checked, type Rule } from '../core/options.ts'
import { PLACEMENT_RULES } from '../worker/placement/placement-options.ts'

export interface PoolOptions {
  /** Where the functions run. Default: thread. */
  readonly placement?: 'thread' | 'process'
  /** Workers that are always there. Default: 1. */
  readonly min?: number
  /** Workers at most. Default: as many as there are cores. */
  readonly max?: number
  /** How many tasks a worker may have begun and not ended; more than 1 is for functions that wait. Default: 1. */
  readonly concurrencyPerWorker?: number
  /** When so many tasks wait, `run` rejects with POOL_FULL; `await pool.ready()` before it. Default: 100,000. */
  readonly maxQueue?: number
  /** Of every task that does not say otherwise. Default: none. */
  readonly timeout?: Duration
  /** What a cancelled or late task may take to heed its signal, before its worker is ended. Default: 1s. */
  readonly abortGrace?: Duration
  /** A worker more than `min` ends when it had nothing to do for so long. Default: 30s. */
  readonly idleTimeout?: Duration
  /** When a task has waited so long, another worker is started. Default: 20ms. */
  readonly growAfter?: Duration
  /** A worker is replaced after so many tasks. Default: never. */
  readonly maxTasksPerWorker?: number
  /** A worker that uses more is replaced after the tasks in hand. Default: no limit. */
  readonly maxMemory?: ByteSize
  /** Handed to `setup(data)` of the module in each worker. */
  readonly workerData?: unknown
  /** What loading the module and `setup` may take. Default: 60s. */
  readonly startTimeout?: Duration
  /** Flags of Node for the workers. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** Added to the environment of the workers. */
  readonly env?: Readonly<Record<string, string>>
  /** Limits of V8 for each thread, as `worker_threads` takes them. */
  readonly resourceLimits?: Readonly<Record<string, number>>
  readonly logger?: Logger
}

const size: Rule<number> = (value, option) => toBytes(value as ByteSize, option)
const isLogger = (value: unknown): boolean => typeof Reflect.get(Object(value), 'child') === 'function'

export const POOL_RULES: {
  readonly placement: Rule<'thread' | 'process'>
  readonly min: Rule<number | undefined>
  readonly max: Rule<number>
  readonly concurrencyPerWorker: Rule<number>
  readonly maxQueue: Rule<number>
  readonly timeout: Rule<number | undefined>
  readonly abortGrace: Rule<number>
  readonly idleTimeout: Rule<number>
  readonly growAfter: Rule<number>
  readonly maxTasksPerWorker: Rule<number | undefined>
  readonly maxMemory: Rule<number | undefined>
  readonly workerData: Rule<unknown>
  readonly startTimeout: Rule<number>
  readonly execArgv: Rule<readonly string[] | undefined>
  readonly env: Rule<Readonly<Record<string, string>>>
  readonly resourceLimits: Rule<Readonly<Record<string, number>> | undefined>
  readonly logger: Rule<Logger>
} = {
  placement: oneOf(['thread', 'process'], 'thread'),
  min: optional(integer({ min: 1, default: 1 })),
  max: integer({ min: 1, default: Math.max(1, availableParallelism()) }),
  concurrencyPerWorker: integer({ min: 1, max: 10_000, default: 1 }),
  maxQueue: integer({ min: 1, default: 100_000 }),
  timeout: optional(duration({ default: 0, min: 1 })),
  abortGrace: duration({ default: '1s' }),
  idleTimeout: duration({ default: '30s', min: 1 }),
  growAfter: duration({ default: '20ms' }),
  maxTasksPerWorker: optional(integer({ min: 1, default: 1 })),
  maxMemory: optional(size),
  workerData: custom<unknown>('anything', () => true),
  startTimeout: PLACEMENT_RULES.startTimeout,
  execArgv: PLACEMENT_RULES.execArgv,
  env: PLACEMENT_RULES.env,
  resourceLimits: PLACEMENT_RULES.resourceLimits,
  logger: custom<Logger>('a logger', isLogger, () => createLogger()),
}

export type CheckedPool = Checked<typeof POOL_RULES>
