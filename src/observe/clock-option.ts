import { systemClock, type Clock } from '../core/clock.ts'
import { custom, type Rule } from '../core/options.ts'

/** The rule of a `clock` option; the system's clock unless one is given. */
export const clockOption: Rule<Clock> = custom(
  'a clock with wall() and monotonic()',
  isClock,
  () => systemClock,
)

function isClock(value: unknown): boolean {
  const clock = value as Partial<Clock> | null | undefined
  return typeof clock?.wall === 'function' && typeof clock.monotonic === 'function'
}
