import type { Duration } from '../core/duration.ts'
import { boolean, duration, integer, type Rule } from '../core/options.ts'

/** How the workers of a stream handle messages and keep states. */
export interface StreamWorkerSettings {
  /**
   * Messages of so many different keys are handled at a time; those of one key never. A class with `processBatch` can
   * have 1 only. Default: 1.
   */
  readonly concurrency?: number
  /**
   * What the handler of one message may take until it is given up: it counts as failed, and the next message of the
   * key is handled. Default: 30s. `'none'`: it may take for ever. A loop that does not return is seen by
   * `stallThreshold`.
   */
  readonly timeout?: Duration | 'none'
  /** Most messages that `processBatch` gets at once. Default: 256. */
  readonly batchSize?: number
  /** More keys are not kept by one worker: those that were not used for long are evicted. Default: 1,000,000. */
  readonly maxKeys?: number
  /** A key that was not used for so long is evicted. Default: `'none'`. */
  readonly evictAfter?: Duration | 'none'
  /** False: states are not saved, and after a crash each key is told of a gap. Default: true. */
  readonly snapshots?: boolean
  /** How often states that have changed are saved. Default: 5s. */
  readonly snapshotEvery?: Duration
  /** They are saved also after so many messages. Default: 1,000,000. */
  readonly snapshotAfter?: number
  /** How often a worker tells its figures by itself. Default: 5s. */
  readonly statsEvery?: Duration
}

/** The same, complete, with times in ms; it goes to the worker. */
export interface StreamSettings {
  readonly concurrency: number
  /** Infinity for none. */
  readonly timeoutMs: number
  readonly batchSize: number
  readonly maxKeys: number
  /** Infinity for never. */
  readonly evictAfterMs: number
  readonly snapshots: boolean
  readonly snapshotEveryMs: number
  readonly snapshotAfter: number
  readonly statsEveryMs: number
}

const orNone =
  (fallback: Duration | 'none', min: number): Rule<number> =>
  (value = fallback, option) =>
    value === 'none' ? Infinity : duration({ default: 0, min })(value, option)

export const SETTINGS_RULES: {
  readonly concurrency: Rule<number>
  readonly timeout: Rule<number>
  readonly batchSize: Rule<number>
  readonly maxKeys: Rule<number>
  readonly evictAfter: Rule<number>
  readonly snapshots: Rule<boolean>
  readonly snapshotEvery: Rule<number>
  readonly snapshotAfter: Rule<number>
  readonly statsEvery: Rule<number>
} = {
  concurrency: integer({ min: 1, max: 10_000, default: 1 }),
  timeout: orNone('30s', 10),
  batchSize: integer({ min: 1, max: 5000, default: 256 }),
  maxKeys: integer({ min: 1, default: 1_000_000 }),
  evictAfter: orNone('none', 10),
  snapshots: boolean(true),
  snapshotEvery: duration({ default: '5s', min: 10 }),
  snapshotAfter: integer({ min: 1, default: 1_000_000 }),
  statsEvery: duration({ default: '5s', min: 10 }),
}

type CheckedSettings = { readonly [K in keyof typeof SETTINGS_RULES]: ReturnType<(typeof SETTINGS_RULES)[K]> }

export function settingsOf(checked: CheckedSettings): StreamSettings {
  const { concurrency, batchSize, maxKeys, snapshots, snapshotAfter } = checked
  return {
    ...{ concurrency, batchSize, maxKeys, snapshots, snapshotAfter },
    timeoutMs: checked.timeout,
    evictAfterMs: checked.evictAfter,
    snapshotEveryMs: checked.snapshotEvery,
    statsEveryMs: checked.statsEvery,
  }
}
