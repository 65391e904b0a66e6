/** How many messages in how much time. */
export interface RateRule {
  /**
   * `fixed`: windows one after the other, so that twice the limit can pass around the end of one. `sliding`: the
   * window before counts in part, for as much of it as the last `windowMs` reach into it. `token-bucket`: a token for
   * each message, refilled evenly; what was saved up can be spent at once.
   */
  readonly algorithm: 'sliding' | 'fixed' | 'token-bucket'
  readonly limit: number
  readonly windowMs: number
}

/**
 * What is kept of a key. Of windows: the beginning of the current one in ms, its messages, and those of the window
 * before. Of a bucket: when it was last filled, and its tokens.
 */
export type RateState = readonly [at: number, first: number, second: number]

/** What comes of one more message: when it may pass, in ms from now, 0 for at once; and what is then kept. */
export interface RateDecision {
  readonly waitMs: number
  readonly state: RateState
}

/**
 * Whether one more message may pass now. What may not pass is not counted.
 * @param state undefined for a key that is not known.
 * @param now ms of any clock that all who share the state read. A clock that went back is taken to have stood still.
 */
export function decide(rule: RateRule, state: RateState | undefined, now: number): RateDecision {
  if (rule.algorithm === 'token-bucket') return fromBucket(rule, state, now)
  return inWindow(rule, state, now)
}

function inWindow(
  { algorithm, limit, windowMs }: RateRule,
  state: RateState | undefined,
  at: number,
): RateDecision {
  const now = Math.max(at, state?.[0] ?? at)
  const start = now - (now % windowMs)
  const [known, count, before] = state ?? [start, 0, 0]
  const passed = Math.round((start - known) / windowMs)
  const current = passed === 0 ? count : 0
  const previous = passed === 0 ? before : passed === 1 ? count : 0
  const weight = algorithm === 'fixed' ? 0 : 1 - (now - start) / windowMs
  const kept: RateState = [start, current, previous]
  if (current + previous * weight + 1 <= limit) return { waitMs: 0, state: [start, current + 1, previous] }
  return { waitMs: untilWindow(kept, limit, windowMs, algorithm === 'sliding') - now, state: kept }
}

/**
 * When one more fits: in this window once enough of the one before has slid out, else in the next one.
 * Source of the weighted window: "How we built rate limiting capable of scaling to millions of domains", Cloudflare, 2017.
 */
function untilWindow(
  [start, current, previous]: RateState,
  limit: number,
  windowMs: number,
  slides: boolean,
): number {
  if (slides && current + 1 <= limit) return start + windowMs * (1 - (limit - 1 - current) / previous)
  const out = slides && current > limit - 1 ? 1 - (limit - 1) / current : 0
  return start + windowMs * (1 + out)
}

function fromBucket({ limit, windowMs }: RateRule, state: RateState | undefined, at: number): RateDecision {
  const [filled, left] = state ?? [at, limit]
  const now = Math.max(at, filled)
  const tokens = Math.min(limit, left + ((now - filled) * limit) / windowMs)
  if (tokens >= 1) return { waitMs: 0, state: [now, tokens - 1, 0] }
  return { waitMs: ((1 - tokens) * windowMs) / limit, state: [now, tokens, 0] }
}
