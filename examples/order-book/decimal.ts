/** Decimals as whole numbers, exactly: prices in steps of 0.0001, sizes in steps of 0.000001. */

export const PRICE_DECIMALS = 4
export const SIZE_DECIMALS = 6
/** A price of 1. */
export const ONE = 10_000
const SIZE_ONE = 1_000_000

const DOT = 46
const ZERO = 48

/**
 * The number as so many units of its last decimal; NaN when it is none that has exactly such a value: a sign, an
 * exponent, more decimals that are not 0, or more than 2 ** 53 units. A zero before the point may be left out.
 */
export function parseDecimal(text: unknown, decimals: number): number {
  if (typeof text !== 'string') return NaN
  const { length } = text
  let units = 0
  let digits = 0
  let left = -1
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === DOT && left < 0) {
      left = decimals
      continue
    }
    const digit = code - ZERO
    if (digit < 0 || digit > 9) return NaN
    digits++
    if (left === 0) {
      if (digit !== 0) return NaN
      continue
    }
    units = units * 10 + digit
    if (left > 0) left--
  }
  if (digits === 0 || text.charCodeAt(length - 1) === DOT) return NaN
  for (let missing = left < 0 ? decimals : left; missing > 0; missing--) units *= 10
  return units <= Number.MAX_SAFE_INTEGER ? units : NaN
}

/** A price between 0 and 1, both left out, in steps of 0.0001; NaN when it is none. */
export function parsePrice(text: unknown): number {
  const units = parseDecimal(text, PRICE_DECIMALS)
  return units > 0 && units < ONE ? units : NaN
}

export function parseSize(text: unknown): number {
  return parseDecimal(text, SIZE_DECIMALS)
}

/** Without zeros at its end, and without a point when it is whole. */
function formatUnits(units: number, one: number, decimals: number): string {
  const whole = Math.floor(units / one)
  const rest = units % one
  if (rest === 0) return String(whole)
  return `${whole}.${String(rest).padStart(decimals, '0').replace(/0+$/, '')}`
}

export function formatPrice(units: number): string {
  return formatUnits(units, ONE, PRICE_DECIMALS)
}

export function formatSize(units: number): string {
  return formatUnits(units, SIZE_ONE, SIZE_DECIMALS)
}
