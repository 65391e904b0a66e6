import type { Duration } from '../core/duration.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { boolean, custom, duration, oneOf, type Rule } from '../core/options.ts'
import type { WorkerStatus } from '../worker/status.ts'
import type { Strategy } from './strategy.ts'
import { RESTART_RULES, type RestartOptions } from './supervision-options.ts'

export interface ServerOptions extends RestartOptions {
  /** What a graceful stop may take, all workers together. Default: 30s. */
  readonly shutdownTimeout?: Duration
  /** Also the logger of the workers that the server makes. Default: one on standard error. */
  readonly logger?: Logger
  /** Whether `runForever` ends the process, with code 1, at an exception that nobody caught. Default: true. */
  readonly exitOnUncaught?: boolean
  /** Who is started again with a worker that failed. Default: one-for-one, nobody else. */
  readonly strategy?: Strategy
  /**
   * What follows when a worker has failed too often. `unhealthy`: the others go on, `isLive` turns false.
   * `exit`: the server stops, and `runForever` ends with 1. Default: unhealthy.
   */
  readonly onGiveUp?: 'unhealthy' | 'exit'
  /**
   * `runForever` watches the event loop of its own process from a thread: a loop that is blocked for
   * `watchdogThreshold` is logged, with the place in the code. `kill` also ends the process, for a service manager
   * to start it again. Default: log.
   */
  readonly watchdog?: 'log' | 'kill' | 'off'
  /** Default: 10s. */
  readonly watchdogThreshold?: Duration
}

export interface ServerStatus {
  readonly isStarted: boolean
  readonly isReady: boolean
  readonly isLive: boolean
  readonly workers: readonly WorkerStatus[]
}

const isLogger = (value: unknown): boolean => typeof Reflect.get(Object(value), 'child') === 'function'

export const SERVER_RULES: typeof RESTART_RULES & {
  readonly shutdownTimeout: Rule<number>
  readonly logger: Rule<Logger>
  readonly exitOnUncaught: Rule<boolean>
  readonly strategy: Rule<Strategy>
  readonly onGiveUp: Rule<'unhealthy' | 'exit'>
  readonly watchdog: Rule<'log' | 'kill' | 'off'>
  readonly watchdogThreshold: Rule<number>
} = {
  ...RESTART_RULES,
  shutdownTimeout: duration({ default: '30s' }),
  logger: custom<Logger>('a logger such as pino', isLogger, () => createLogger()),
  exitOnUncaught: boolean(true),
  strategy: oneOf(['one-for-one', 'one-for-all', 'rest-for-one'], 'one-for-one'),
  onGiveUp: oneOf(['unhealthy', 'exit'], 'unhealthy'),
  watchdog: oneOf(['log', 'kill', 'off'], 'log'),
  watchdogThreshold: duration({ default: '10s', min: 50 }),
}
