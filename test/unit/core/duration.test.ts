import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMs, toMs } from '../../../src/core/duration.ts'
import { InvalidOptionError } from '../../../src/core/errors.ts'

describe('a duration', () => {
  test.each([
    [0, 0],
    [1500, 1500],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
  ])('%j is %d ms', (value, ms) => {
    expect(toMs(value)).toBe(ms)
  })

  test.each([-1, Number.NaN, Infinity, '', 's', '5', '-5s', '5 parsecs', '1h30', '99999d', 1e15])(
    '%j is none',
    (value) => {
      expect(() => toMs(value, 'lease')).toThrow(InvalidOptionError)
      expect(() => toMs(value, 'lease')).toThrow('expected lease to be a duration')
    },
  )

  test('what is neither number nor text is none', () => {
    for (const value of [undefined, null, true, {}, [5], 5n])
      expect(() => toMs(value as never)).toThrow('got: ')
  })

  test('parts add up', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(10_000), (hours, minutes, ms) => {
        expect(toMs(`${hours}h${minutes}m${ms}ms`)).toBe(hours * 3_600_000 + minutes * 60_000 + ms)
      }),
    )
  })
})

describe('a duration for people', () => {
  test.each([
    [0, '0ms'],
    [350.4, '350ms'],
    [999.7, '1s'],
    [4210, '4.2s'],
    [59_999, '1m'],
    [185_000, '3m 5s'],
    [7_800_000, '2h 10m'],
    [3 * 86_400_000, '3d'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatMs(ms)).toBe(text)
  })

  test('never shows a unit at or above its limit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (ms) => {
        expect(formatMs(ms)).not.toMatch(/\b(1000ms|60s|60m|NaN)/)
      }),
    )
  })
})
