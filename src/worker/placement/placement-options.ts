import type { Duration } from '../../core/duration.ts'
import { custom, duration, oneOf, optional, type Checked, type Rule } from '../../core/options.ts'

/** How the place of a worker is furnished, and how closely it is watched. */
export interface PlacementOptions {
  /** What loading its module and `setup` may take. Default: 60s. */
  readonly startTimeout?: Duration
  /** What it may take to stop before it is killed. Default: 30s for a thread or process, none for inline. */
  readonly stopTimeout?: Duration
  /**
   * After so long without a sign of life the loop of a thread or process counts as blocked: an event `stalled`,
   * and a log line with the place in the code. Default: 5s. `'none'`: never.
   */
  readonly stallThreshold?: Duration | 'none'
  /** Whether a blocked thread or process is also killed. Default: log. */
  readonly onStall?: 'log' | 'kill'
  /** Flags of Node for a thread or process. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** Added to the environment of a thread or process. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Limits of V8 for a thread, as `worker_threads` takes them. A thread above them ends; not every kind of memory
   * counts. For a process give `execArgv: ['--max-old-space-size=256']`.
   */
  readonly resourceLimits?: Readonly<Record<string, number>>
}

const threshold: Rule<number> = (value = '5s', option) =>
  value === 'none' ? Infinity : duration({ default: '5s', min: 50 })(value, option)
const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
const isRecordOf =
  (type: string) =>
  (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === type)

export const PLACEMENT_RULES: {
  readonly startTimeout: Rule<number>
  readonly stopTimeout: Rule<number | undefined>
  readonly stallThreshold: Rule<number>
  readonly onStall: Rule<'log' | 'kill'>
  readonly execArgv: Rule<readonly string[] | undefined>
  readonly env: Rule<Readonly<Record<string, string>>>
  readonly resourceLimits: Rule<Readonly<Record<string, number>> | undefined>
} = {
  startTimeout: duration({ default: '60s', min: 1 }),
  stopTimeout: optional(duration({ default: 0 })),
  stallThreshold: threshold,
  onStall: oneOf(['log', 'kill'], 'log'),
  execArgv: optional(custom<readonly string[]>('an array of texts', isTexts)),
  env: custom<Readonly<Record<string, string>>>('an object of texts', isRecordOf('string'), () => ({})),
  resourceLimits: optional(
    custom<Readonly<Record<string, number>>>('an object of numbers', isRecordOf('number')),
  ),
}

export type CheckedPlacement = Checked<typeof PLACEMENT_RULES>
