import { backoffMs, type Jitter } from './backoff.ts'
import type { Duration } from './duration.ts'
import { InvalidPayloadError, NonRetryableError } from './errors.ts'
import { checkOptions, custom, duration, integer, number, oneOf } from './options.ts'

export interface RetryOptions {
  /** How often a failed job is tried again. Default 3, so four attempts in all. */
  readonly maxRetries?: number
  /** The delay before the first retry. Default `'60s'`. */
  readonly baseDelay?: Duration
  /** No delay is longer. Default `'3600s'`. */
  readonly maxDelay?: Duration
  /** Each delay is the last one times this. Default 2. */
  readonly backoffFactor?: number
  /** How delays are spread, so that what failed together does not come back together. Default `'none'`. */
  readonly jitter?: Jitter
  /** False for an error that another attempt cannot cure. Default: every error is tried again. */
  readonly retryIf?: (error: Error) => boolean
}

const RULES = {
  maxRetries: integer({ min: 0, default: 3 }),
  baseDelay: duration({ default: '60s' }),
  maxDelay: duration({ default: '3600s' }),
  backoffFactor: number({ min: 1, default: 2 }),
  jitter: oneOf(['none', 'full', 'equal'], 'none'),
  retryIf: custom<(error: Error) => boolean>(
    'a function of an error',
    (value) => typeof value === 'function',
    () => () => true,
  ),
}

/**
 * Whether and when a failed job is tried again: after `min(baseDelay * backoffFactor ** retries, maxDelay)`.
 * The delay lives in the store; no worker waits for it. NonRetryableError and failed validation are never
 * tried again. (A TypeError is: in Node, a fetch that failed is one.)
 */
export class RetryPolicy {
  readonly maxRetries: number
  readonly #baseMs: number
  readonly #maxMs: number
  readonly #factor: number
  readonly #jitter: Jitter
  readonly #retryIf: (error: Error) => boolean

  /** @throws InvalidOptionError for a value out of range. */
  constructor(options: RetryOptions = {}) {
    const checked = checkOptions('RetryPolicy', RULES, options)
    this.maxRetries = checked.maxRetries
    this.#baseMs = checked.baseDelay
    this.#maxMs = checked.maxDelay
    this.#factor = checked.backoffFactor
    this.#jitter = checked.jitter
    this.#retryIf = checked.retryIf
  }

  /** Ms to wait before the retry that follows `retries` earlier ones. */
  delayMs(retries: number, random?: number): number {
    const options = { baseMs: this.#baseMs, maxMs: this.#maxMs, factor: this.#factor, jitter: this.#jitter }
    return backoffMs(options, retries, random)
  }

  /**
   * Ms to wait before the next attempt, or undefined when there is none.
   * @param retries how many there were.
   * @param maxRetries the job's own limit, where it has one.
   */
  next(error: Error, retries: number, maxRetries: number = this.maxRetries): number | undefined {
    if (error instanceof NonRetryableError || error instanceof InvalidPayloadError) return undefined
    if (retries >= maxRetries || !this.#worthIt(error)) return undefined
    return this.delayMs(retries)
  }

  /** A rule that throws has not said no; and a job must be settled whatever it does. */
  #worthIt(error: Error): boolean {
    try {
      return this.#retryIf(error)
    } catch {
      return true
    }
  }
}
