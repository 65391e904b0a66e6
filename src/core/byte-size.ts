import { InvalidOptionError, show } from './errors.ts'

/** An amount of memory: bytes as a number, or text such as `'512MiB'`, `'1.5GB'`. */
export type ByteSize = number | string

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
}
const TEXT = /^(\d+(?:\.\d+)?)\s*([kmg]i?b|b)$/i

/**
 * Bytes of a size.
 * @throws InvalidOptionError naming `option` when it is not a size above 0.
 */
export function toBytes(value: ByteSize, option: string): number {
  const bytes = typeof value === 'string' ? parse(value) : value
  if (typeof bytes === 'number' && Number.isFinite(bytes) && bytes > 0) return Math.round(bytes)
  throw new InvalidOptionError(
    option,
    `expected ${option} to be an amount of memory (bytes, or text such as '512MiB'), got: ${show(value)}`,
  )
}

function parse(text: string): number {
  const [, amount, unit = ''] = TEXT.exec(text.trim()) ?? []
  return Number(amount) * (UNITS[unit.toLowerCase()] ?? Number.NaN)
}
