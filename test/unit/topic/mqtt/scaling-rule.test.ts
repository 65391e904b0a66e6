import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkScaling, wantedWorkers } from '../../../../src/topic/mqtt/scaling-rule.ts'

const limits = checkScaling(undefined)
const wanted = (depth: number, ratePerSecond: number, workers: number): number =>
  wantedWorkers({ depth, ratePerSecond, workers }, limits)

describe('how many workers there should be', () => {
  test.each([
    ['above 1000 waiting, one for each hundred', 1001, 500, 1, 10],
    ['and never more than ten', 250_000, 500, 4, 10],
    ['at exactly 1000 as many as there are', 1000, 0, 3, 3],
    ['between the two as many as there are', 500, 0, 3, 3],
    ['with little to do one fewer', 99, 9, 3, 2],
    ['and never none', 0, 0, 1, 1],
    ['a short line that moves fast is left alone', 0, 10, 3, 3],
    ['at exactly 100 waiting as many as there are', 100, 0, 3, 3],
    ['a depth that is not known changes nothing', Number.NaN, 0, 3, 3],
    ['before anything was measured nobody is sent home', 0, Infinity, 3, 3],
  ])('%s', (_name, depth, rate, workers, expected) => {
    expect(wanted(depth, rate, workers)).toBe(expected)
  })

  test('own limits count', () => {
    const own = checkScaling({ minWorkers: 2, maxWorkers: 40, highDepth: 10, depthPerWorker: 5, lowDepth: 1 })
    expect(wantedWorkers({ depth: 100, ratePerSecond: 0, workers: 2 }, own)).toBe(20)
    expect(wantedWorkers({ depth: 0, ratePerSecond: 0, workers: 2 }, own)).toBe(2)
  })

  test('a deep line never costs a worker, a short one at most one, and the limits hold', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(1000), fc.integer({ min: 1, max: 10 }), (depth, rate, workers) => {
        const n = wanted(depth, rate, workers)
        expect(n).toBeGreaterThanOrEqual(Math.max(1, workers - 1))
        expect(n).toBeLessThanOrEqual(10)
        if (depth > 1000) expect(n).toBeGreaterThanOrEqual(workers)
        else expect(n).toBeLessThanOrEqual(workers)
      }),
    )
  })

  test('limits that contradict each other are refused by name', () => {
    expect(() => checkScaling({ minWorkers: 5, maxWorkers: 4 })).toThrow(
      'minWorkers to be at most maxWorkers (4)',
    )
    expect(() => checkScaling({ lowDepth: 5, highDepth: 4 })).toThrow('lowDepth to be at most highDepth (4)')
    expect(() => checkScaling({ maxWorker: 4 } as never)).toThrow('did you mean "maxWorkers"?')
  })
})
