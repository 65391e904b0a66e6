import { backoffMs } from '../core/backoff.ts'
import { formatMs } from '../core/duration.ts'
import { MillhandError } from '../core/errors.ts'

/**
 * When a worker that has ended is started again. `permanent`: always. `transient`: when it failed.
 * `temporary`: never.
 */
export type RestartPolicy = 'permanent' | 'transient' | 'temporary'

export interface RestartRules {
  /** A worker is started again at most so often... */
  readonly intensity: number
  /** ...within so long, ms. */
  readonly periodMs: number
  /** The wait before the first restart of a streak, ms; doubled by each that follows. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** A life of so long ends a streak of failures, ms. */
  readonly healthyMs: number
}

/** What a supervisor remembers of one worker. */
export interface RestartHistory {
  /** When it was started again, within the period. */
  readonly times: readonly number[]
  /** Failures since it was healthy. */
  readonly streak: number
}

export const NO_RESTARTS: RestartHistory = { times: [], streak: 0 }

/** What to do about a worker that has ended. */
export type Decision =
  | { readonly action: 'leave' }
  /** `reason` goes on from "it". */
  | { readonly action: 'give-up'; readonly reason: string }
  | { readonly action: 'restart'; readonly delayMs: number; readonly history: RestartHistory }

export interface End {
  /** What it failed with; undefined when it ended in peace. */
  readonly error: Error | undefined
  /** How long it was up, ms; 0 when it did not even start. */
  readonly upMs: number
  readonly atMs: number
}

/**
 * Whether, and after what wait, a worker that has ended is started again.
 * @param random a number in 0..1, for tests.
 */
export function decide(
  policy: RestartPolicy,
  end: End,
  history: RestartHistory,
  rules: RestartRules,
  random?: number,
): Decision {
  if (policy === 'temporary' || (policy === 'transient' && end.error === undefined))
    return { action: 'leave' }
  if (isHopeless(end)) return { action: 'give-up', reason: 'cannot start for a reason that stays' }
  const times = history.times.filter((at) => end.atMs - at < rules.periodMs)
  if (times.length >= rules.intensity)
    return { action: 'give-up', reason: tooOften(end, times.length, rules) }
  const streak = end.upMs >= rules.healthyMs ? 0 : history.streak
  const backoff = { baseMs: rules.backoffMs, maxMs: rules.maxBackoffMs, factor: 2, jitter: 'equal' } as const
  return {
    action: 'restart',
    delayMs: backoffMs(backoff, streak, random),
    history: { times: [...times, end.atMs], streak: streak + 1 },
  }
}

/** A mistake in the program, which another try cannot cure; what was up has shown that it can be. */
function isHopeless({ error, upMs }: End): boolean {
  if (!(error instanceof MillhandError)) return false
  return FOUGHT_OVER.has(error.code) || (upMs === 0 && HOPELESS.has(error.code))
}

const HOPELESS: ReadonlySet<string> = new Set([
  'INVALID_OPTION',
  'MODULE_LOAD',
  'NOT_FOUND',
  'UNSUPPORTED',
  'BROKER_REFUSED',
  'DRIVER_MISSING',
])
/** Two that have what only one can have would take it from each other for ever. */
const FOUGHT_OVER: ReadonlySet<string> = new Set(['CLIENT_TAKEN_OVER'])

function tooOften({ error }: End, restarts: number, { periodMs }: RestartRules): string {
  const what = error === undefined ? 'has ended' : 'failed'
  if (restarts === 0) return what
  return `${what} again after ${restarts} ${restarts === 1 ? 'restart' : 'restarts'} within ${formatMs(periodMs)}`
}
