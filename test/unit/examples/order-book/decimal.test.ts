import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  formatPrice,
  formatSize,
  parseDecimal,
  parsePrice,
  parseSize,
} from '../../../../examples/order-book/decimal.ts'

test.each([
  ['0.5', 5000],
  ['.48', 4800],
  ['0.0001', 1],
  ['0.9999', 9999],
  ['0.50000', 5000],
])('the price %s is %d steps of 0.0001', (text, units) => expect(parsePrice(text)).toBe(units))

test.each([
  '0',
  '1',
  '1.0',
  '0.00001',
  '1e-7',
  '-0.5',
  '+0.5',
  ' 0.5',
  '0.5 ',
  '',
  '.',
  '5.',
  '0..5',
  'NaN',
  '0x1',
])('the price "%s" is none', (text) => expect(parsePrice(text)).toBeNaN())

test.each([0.5, null, undefined, ['0.5'], {}])('what is not text is no number: %s', (value) =>
  expect(parseSize(value)).toBeNaN(),
)

test.each(['-1', '1e3', 'Infinity', '9007199255', '0.0000001'])('the size "%s" is none', (text) =>
  expect(parseSize(text)).toBeNaN(),
)

test('the largest size that can be held exactly is held exactly', () => {
  expect(parseSize('9007199254.740991')).toBe(Number.MAX_SAFE_INTEGER)
  expect(parseSize('9007199254.740992')).toBeNaN()
})

test('what is written is read back, and is written the same way again', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (units) => {
      expect(parseSize(formatSize(units))).toBe(units)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), (units) => {
      expect(parsePrice(formatPrice(units))).toBe(units)
      expect(formatPrice(units)).toBe(String(units / 10_000))
    }),
  )
})

test('digits after a point are read as BigInt would', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.integer({ min: 0, max: 8 }),
      (value, decimals) => {
        const digits = value.toString().padStart(decimals + 1, '0')
        const cut = digits.length - decimals
        const text = decimals === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`
        const scaled = value * 10n ** 6n
        const divisor = 10n ** BigInt(decimals)
        const exact = scaled % divisor === 0n && scaled / divisor <= BigInt(Number.MAX_SAFE_INTEGER)
        expect(parseDecimal(text, 6)).toBe(exact ? Number(scaled / divisor) : NaN)
      },
    ),
  )
})
