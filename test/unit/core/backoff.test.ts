import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs, type Jitter } from '../../../src/core/backoff.ts'

test('doubles from the base to the longest', () => {
  const options = { baseMs: 60_000, maxMs: 3_600_000, factor: 2, jitter: 'none' } as const
  const delays = [0, 1, 2, 5, 6, 1e6].map((retries) => backoffMs(options, retries) / 60_000)
  expect(delays).toEqual([1, 2, 4, 32, 60, 60])
})

test('is never above the longest, never negative, and spread as its jitter says', () => {
  fc.assert(
    fc.property(
      fc.record({
        baseMs: fc.nat(1e6),
        maxMs: fc.nat(1e9),
        factor: fc.double({ min: 1, max: 10, noNaN: true }),
        jitter: fc.constantFrom<Jitter>('none', 'full', 'equal'),
      }),
      fc.nat(5000),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (options, retries, random) => {
        const whole = backoffMs({ ...options, jitter: 'none' }, retries)
        const delay = backoffMs(options, retries, random)
        expect(delay).toBeLessThanOrEqual(options.maxMs)
        expect(delay).toBeLessThanOrEqual(whole)
        expect(delay).toBeGreaterThanOrEqual({ none: whole, equal: whole / 2, full: 0 }[options.jitter])
      },
    ),
  )
})

test('without a base there is no delay, however many retries', () => {
  expect(backoffMs({ baseMs: 0, maxMs: 1000, factor: 2, jitter: 'none' }, 5000)).toBe(0)
})
