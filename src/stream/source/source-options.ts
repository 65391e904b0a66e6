import type { Duration } from '../../core/duration.ts'
import { checkOptions, duration, integer, type Rule } from '../../core/options.ts'

export interface SourceOptions {
  /**
   * A process that is not heard for so long has lost its shards to the others. Renewed at a third of it. Shorter
   * means sooner replaced after a kill, and sooner given up in a pause. Default: 10 s.
   */
  readonly lease?: Duration
  /** How often a shard is looked at that had nothing, should a hint have been lost. Default: 1 s. */
  readonly pollEvery?: Duration
  /** How long a commit may wait for others to go with it. Default: 100 ms. */
  readonly commitEvery?: Duration
  /** The most records that one reading of a shard brings. Default: 500. */
  readonly batchSize?: number
  /** About the most bytes that one reading of a shard brings, judged by those before. Default: 4 MiB. */
  readonly batchBytes?: number
}

export interface CheckedSourceOptions {
  /** ms */
  readonly lease: number
  /** ms */
  readonly pollEvery: number
  /** ms */
  readonly commitEvery: number
  readonly batchSize: number
  readonly batchBytes: number
}

export const SOURCE_RULES: { readonly [K in keyof CheckedSourceOptions]: Rule<number> } = {
  lease: duration({ default: '10s', min: '300ms' }),
  pollEvery: duration({ default: '1s', min: '10ms' }),
  commitEvery: duration({ default: '100ms' }),
  batchSize: integer({ min: 1, max: 10_000, default: 500 }),
  batchBytes: integer({ min: 1024, default: 4 * 1_048_576 }),
}

/** Options as a `LeasedSource` takes them. @throws InvalidOptionError naming the option. */
export function checkSourceOptions(options?: SourceOptions): CheckedSourceOptions {
  return checkOptions('source', SOURCE_RULES, options)
}
