import type { Duration } from '../../core/duration.ts'
import { InvalidOptionError, NonRetryableError } from '../../core/errors.ts'
import { checkOptions, custom, duration, integer, oneOf } from '../../core/options.ts'
import { sleep } from '../../core/sleep.ts'
import { isPromise, type Next } from '../handler.ts'
import type { TopicContext } from '../topic-context.ts'
import { counted, type Counted } from './counted.ts'
import type { RateRule } from './rate-rule.ts'
import { memoryRates, type RateStore } from './rate-store.ts'

export interface RateLimitOptions {
  /** How many messages of a key may pass in `per`. Default 100. */
  readonly limit?: number
  /** Default `'60s'`. */
  readonly per?: Duration
  /** Default `'sliding'`. */
  readonly algorithm?: RateRule['algorithm']
  /** What is counted together. Default: what has the same topic. */
  readonly key?: (context: TopicContext) => string
  /** Keys that pass without being counted: a list of them, or a question. Default: none. */
  readonly allow?: readonly string[] | ((key: string) => boolean)
  /**
   * What becomes of a message above the limit. `refuse`: it goes to the dead letters. `drop`: it is acknowledged and
   * gone, but counted. `delay`: it waits, and holds its place among the messages that are handled at once; what comes
   * after it under the same key waits behind it. The time of its handler goes on meanwhile. Default `'refuse'`.
   */
  readonly over?: 'refuse' | 'drop' | 'delay'
  /** Where it is counted. One that several processes share is a limit for all of them. Default: in memory. */
  readonly store?: RateStore
}

/** Of one `rateLimit`, in messages. */
export interface RateLimitStats {
  passed: number
  refused: number
  dropped: number
  /** Of those that passed, how many had to wait. */
  delayed: number
}

/** A message above the limit, where those are refused. Not tried again: it goes to the dead letters. */
export class RateLimitedError extends NonRetryableError {}

const isFunction = (value: unknown): boolean => typeof value === 'function'

const RULES = {
  limit: integer({ min: 1, default: 100 }),
  per: duration({ default: '60s', min: 1 }),
  algorithm: oneOf(['sliding', 'fixed', 'token-bucket'], 'sliding'),
  key: custom<(context: TopicContext) => string>(
    'a function',
    isFunction,
    () =>
      ({ topic }) =>
        topic,
  ),
  allow: custom<readonly string[] | ((key: string) => boolean)>(
    'a list of keys or a function',
    (value) => isFunction(value) || Array.isArray(value),
    () => [],
  ),
  over: oneOf(['refuse', 'drop', 'delay'], 'refuse'),
  store: custom<RateStore>(
    'a store of rates',
    (value) => typeof (value as RateStore | null)?.take === 'function',
    memoryRates,
  ),
}

/**
 * Lets so many messages of a key pass in a time. Synchronous where its store is and nothing is delayed.
 * @throws InvalidOptionError naming the option.
 */
export function rateLimit(options: RateLimitOptions = {}): Counted<RateLimitStats> {
  const {
    limit,
    per: windowMs,
    algorithm,
    key: keyOf,
    allow,
    over,
    store,
  } = checkOptions('rateLimit', RULES, options)
  const rule: RateRule = { algorithm, limit, windowMs }
  const allowed = typeof allow === 'function' ? allow : inSet(allow)
  const stats: RateLimitStats = { passed: 0, refused: 0, dropped: 0, delayed: 0 }
  const queues = new Map<string, Promise<unknown>>()

  const pass = (next: Next): unknown => {
    stats.passed++
    return next()
  }
  const stop = (key: string, waitMs: number): undefined => {
    if (over === 'drop') {
      stats.dropped++
      return
    }
    stats.refused++
    throw new RateLimitedError(
      `expected at most ${limit} messages of "${key}" in ${windowMs} ms; one may pass in ${Math.ceil(waitMs)} ms`,
    )
  }
  /** Waits behind those of its key, then for its own turn. */
  const queue = (key: string, { signal }: TopicContext, waitMs: number): Promise<unknown> => {
    stats.delayed++
    const before = queues.get(key)
    const turn = (async () => {
      await before
      let left = before === undefined ? waitMs : await store.take(key, rule)
      for (; left > 0; left = await store.take(key, rule)) {
        if (!(await sleep(left, signal))) throw signal.reason
      }
    })()
    // One that is called off lets the next one come forward.
    const behind = turn.catch(() => {})
    queues.set(key, behind)
    void behind.then(() => queues.get(key) === behind && queues.delete(key))
    return turn
  }
  const after = (key: string, context: TopicContext, next: Next, waitMs: number): unknown => {
    if (waitMs <= 0) return pass(next)
    return over === 'delay' ? queue(key, context, waitMs).then(() => pass(next)) : stop(key, waitMs)
  }

  return counted((context, next) => {
    const key = keyOf(context)
    if (typeof key !== 'string')
      throw new InvalidOptionError('key', `expected key to give a text, got: ${typeof key}`)
    if (allowed(key)) return pass(next)
    if (over === 'delay' && queues.has(key)) return queue(key, context, 0).then(() => pass(next))
    const taken = store.take(key, rule)
    if (!isPromise(taken)) return after(key, context, next, taken)
    return taken.then((waitMs) => after(key, context, next, waitMs))
  }, stats)
}

function inSet(keys: readonly string[]): (key: string) => boolean {
  const set = new Set(keys)
  return (key) => set.has(key)
}
