import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextPoint } from '../../../src/worker/grid.ts'

test('the next point is the first one after the last that is not over, on the grid for ever', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.integer({ min: 1, max: 86_400_000 }),
      fc.nat(1_000_000),
      fc.integer({ min: -5, max: 10_000_000 }),
      (origin, interval, index, later) => {
        const now = origin + index * interval + later
        const point = nextPoint(origin, interval, index, now)
        expect(point.dueMs).toBe(origin + point.index * interval)
        expect(point.index).toBeGreaterThan(index)
        expect(point.missed).toBe(point.index - index - 1)
        expect(point.dueMs).toBeGreaterThanOrEqual(now)
        if (point.missed > 0) expect(point.dueMs - interval).toBeLessThan(now)
      },
    ),
  )
})

test('a run that ends exactly when the next is due misses nothing', () => {
  expect(nextPoint(0, 100, 0, 100)).toEqual({ index: 1, missed: 0, dueMs: 100 })
  expect(nextPoint(0, 100, 0, 101)).toEqual({ index: 2, missed: 1, dueMs: 200 })
})
