import { systemClock, type Clock } from '../../core/clock.ts'
import { decide, type RateRule, type RateState } from './rate-rule.ts'

/** Where it is kept how many messages of each key have passed. Share one to share the limit. */
export interface RateStore {
  /**
   * Counts one more message of a key if it may pass, in one step that no other process comes between.
   * @returns 0 when it may, else the ms after which to ask again.
   */
  take(key: string, rule: RateRule): number | Promise<number>
}

export interface MemoryRatesOptions {
  /** The key that was not used for longest is forgotten when there are more. Default 10,000. */
  readonly maxKeys?: number
  /** Default: the clock of the machine that nobody can move. */
  readonly clock?: Pick<Clock, 'monotonic'>
}

/** Keeps the counts in this process, and no more of them than `maxKeys`. */
export function memoryRates({ maxKeys = 10_000, clock = systemClock }: MemoryRatesOptions = {}): RateStore {
  const states = new Map<string, RateState>()
  return {
    take(key, rule) {
      const { waitMs, state } = decide(rule, states.get(key), clock.monotonic())
      // Taken out and put in again, so that the first is the one that was not used for longest.
      states.delete(key)
      states.set(key, state)
      if (states.size > maxKeys) states.delete(states.keys().next().value!)
      return waitMs
    },
  }
}
