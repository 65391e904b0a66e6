import { toBytes, type ByteSize } from '../core/byte-size.ts'
import type { Duration } from '../core/duration.ts'
import { duration, integer, oneOf, optional, type Rule } from '../core/options.ts'
import { PLACEMENT_RULES, type PlacementOptions } from '../worker/placement/placement-options.ts'
import type { RestartPolicy, RestartRules } from './restart-policy.ts'

/** When, and how soon, workers that end are started again. */
export interface RestartOptions {
  /** One worker is started again at most so often within `period`, then it is given up. Default: 5. */
  readonly intensity?: number
  /** Default: 30s. */
  readonly period?: Duration
  /** The wait before the first restart of a streak; each further one waits twice as long, half of it at random. Default: 100ms. */
  readonly backoff?: Duration
  /** Default: 30s. */
  readonly maxBackoff?: Duration
  /** A life of so long ends a streak of failures. Default: 10s. */
  readonly healthyAfter?: Duration
}

export const RESTART_RULES: {
  readonly intensity: Rule<number>
  readonly period: Rule<number>
  readonly backoff: Rule<number>
  readonly maxBackoff: Rule<number>
  readonly healthyAfter: Rule<number>
} = {
  intensity: integer({ min: 0, default: 5 }),
  period: duration({ default: '30s', min: 1 }),
  backoff: duration({ default: '100ms' }),
  maxBackoff: duration({ default: '30s' }),
  healthyAfter: duration({ default: '10s' }),
}

interface CheckedRestart {
  readonly intensity: number
  readonly period: number
  readonly backoff: number
  readonly maxBackoff: number
  readonly healthyAfter: number
}

export function restartRulesOf(options: CheckedRestart): RestartRules {
  return {
    intensity: options.intensity,
    periodMs: options.period,
    backoffMs: options.backoff,
    maxBackoffMs: options.maxBackoff,
    healthyMs: options.healthyAfter,
  }
}

/** How one worker is looked after. */
export interface SupervisionOptions extends PlacementOptions {
  /**
   * `permanent`: started again whenever it ends. `transient`: when it failed. `temporary`: never.
   * Default: transient.
   */
  readonly restart?: RestartPolicy
  /**
   * How `reload()` replaces it. `surge`: the new one is ready before the old one drains. `replace`: the old one
   * ends first, for an identity of which there cannot be two. Default: surge for a class, replace for an instance.
   */
  readonly reload?: 'surge' | 'replace'
  /**
   * When a thread or process uses more, it is recycled: it ends what it has in hand and a new one starts.
   * Default: no limit.
   */
  readonly maxMemory?: ByteSize
}

const size: Rule<number> = (value, option) => toBytes(value as ByteSize, option)

export const SUPERVISION_RULES: typeof PLACEMENT_RULES & {
  readonly restart: Rule<RestartPolicy>
  readonly reload: Rule<'surge' | 'replace' | undefined>
  readonly maxMemory: Rule<number | undefined>
} = {
  ...PLACEMENT_RULES,
  restart: oneOf(['permanent', 'transient', 'temporary'], 'transient'),
  reload: optional(oneOf(['surge', 'replace'], 'surge')),
  maxMemory: optional(size),
}
