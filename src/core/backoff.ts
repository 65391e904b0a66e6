/** How a delay is spread so that many failures at once do not come back at once. */
export type Jitter = 'none' | 'full' | 'equal'

export interface BackoffOptions {
  /** The delay before the first retry, in ms. */
  readonly baseMs: number
  /** No delay is longer, in ms. */
  readonly maxMs: number
  /** Each delay is the last one times this. */
  readonly factor: number
  /**
   * `none`: the exact delay. `full`: uniform in 0..delay. `equal`: half fixed, half uniform.
   * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
   */
  readonly jitter: Jitter
}

/**
 * `min(base * factor ** retries, max)`, then spread by the jitter.
 * @param retries how many retries there were before this one; 0 gives the base delay.
 * @param random a number in 0..1, for tests.
 */
export function backoffMs(options: BackoffOptions, retries: number, random: number = Math.random()): number {
  // factor ** retries may be Infinity, and 0 * Infinity is NaN.
  const raw = options.baseMs === 0 ? 0 : options.baseMs * options.factor ** Math.max(0, retries)
  const delay = Math.min(raw, options.maxMs)
  if (options.jitter === 'full') return delay * random
  if (options.jitter === 'equal') return delay / 2 + (delay / 2) * random
  return delay
}
