import { InvalidOptionError, show } from './errors.ts'

/**
 * A span of time: milliseconds as a number, or text such as `'250ms'`, `'30s'`, `'1.5m'`, `'2h'`, `'7d'`.
 * Parts can be joined: `'1h30m'`.
 */
export type Duration = number | string

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g

/** The longest span that is accepted: ten years. Anything longer is taken to be a mistake of units. */
const MAX_MS = 10 * 366 * UNIT_MS['d']!

/**
 * Milliseconds of a duration.
 * @throws InvalidOptionError naming `option` when it is negative, not finite, above ten years or not a duration.
 */
export function toMs(value: Duration, option = 'duration'): number {
  const ms = typeof value === 'string' ? parse(value) : value
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0 || ms > MAX_MS) {
    throw new InvalidOptionError(
      option,
      `expected ${option} to be a duration of at most ten years (milliseconds, or text such as '250ms', '30s', '5m', '1h30m'), got: ${show(value)}`,
    )
  }
  return ms
}

function parse(text: string): number {
  const compact = text.replaceAll(' ', '')
  if (!WHOLE.test(compact)) return Number.NaN
  let total = 0
  for (const [, amount, unit] of compact.matchAll(PART)) total += Number(amount) * UNIT_MS[unit!]!
  return total
}

/** Milliseconds as people write them: `350ms`, `4.2s`, `3m 5s`, `2h 10m`. */
export function formatMs(ms: number): string {
  // Rounded before the unit is chosen, so that 59.99 s reads 1m and not 60s.
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`
  const tenths = Math.round(ms / 100)
  if (tenths < 600) return `${tenths / 10}s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return join(minutes, 'm', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return join(hours, 'h', minutes % 60, 'm')
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`
}
