import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { figureOf, median, percentile } from '../../../bench/statistics.ts'

const values = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 50 })

describe('statistics', () => {
  it('takes the middle value as the median, and the mean of two', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([1, 10, 2, 5])).toBe(3.5)
  })

  it('sorts as numbers and leaves what it is given as it was', () => {
    const given = [100, 9, 20]
    expect(median(given)).toBe(20)
    expect(given).toEqual([100, 9, 20])
  })

  it('gives a percentile by the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect(percentile(hundred, 99)).toBe(99)
    expect(percentile(hundred, 50)).toBe(50)
    expect(percentile(hundred, 100)).toBe(100)
    expect(percentile([7], 99)).toBe(7)
  })

  it('counts the rare slow one once there are enough of them', () => {
    const one = Array.from({ length: 100 }, (_, index) => (index === 50 ? 900 : 1))
    const two = one.map((value, index) => (index === 70 ? 900 : value))
    expect(percentile(one, 99)).toBe(1)
    expect(percentile(two, 99)).toBe(900)
  })

  it('keeps the median between the smallest and the largest value', () => {
    fc.assert(
      fc.property(values, (each) => {
        const { median, min, max } = figureOf(each)
        expect(min).toBe(Math.min(...each))
        expect(max).toBe(Math.max(...each))
        expect(median).toBeGreaterThanOrEqual(min)
        expect(median).toBeLessThanOrEqual(max)
      }),
    )
  })

  it('refuses to make a figure of nothing, or of what is none', () => {
    expect(() => figureOf([])).toThrow('at least one value')
    expect(() => figureOf([1, Number.NaN, 3])).toThrow('NaN')
  })
})
