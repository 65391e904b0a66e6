import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AdaptiveBatchSize, nextBatchSize } from '../../../../src/queue/consume/adaptive-batch.ts'

const rules = { min: 5, max: 50, slow: 5000, fast: 2000, window: 10 }
const times = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 60 })

describe('the size of the next batch', () => {
  it('stays within its limits, whatever the times were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 50 }), times, (size, timings) => {
        const next = nextBatchSize(size, timings, rules)
        expect(Number.isInteger(next)).toBe(true)
        expect(next).toBeGreaterThanOrEqual(rules.min)
        expect(next).toBeLessThanOrEqual(rules.max)
      }),
    )
  })

  it('shrinks after slow batches, grows after fast ones, else stays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 50 }), times, (size, timings) => {
        const last = timings.slice(-rules.window)
        const mean = last.reduce((sum, ms) => sum + ms, 0) / last.length
        const next = nextBatchSize(size, timings, rules)
        if (mean > rules.slow) expect(next).toBeLessThan(Math.max(size, rules.min + 1))
        else if (mean < rules.fast) expect(next).toBeGreaterThan(Math.min(size, rules.max - 1))
        else expect(next).toBe(size)
      }),
    )
  })

  it('looks at the last ten only', () => {
    const slowThenFast = [...Array<number>(40).fill(60_000), ...Array<number>(10).fill(1)]
    expect(nextBatchSize(10, slowThenFast, rules)).toBe(12)
  })
})

describe('an adaptive batch size', () => {
  it('starts at 10, grows to 50 when batches are fast and shrinks to 5 when they are slow', () => {
    const size = new AdaptiveBatchSize()
    expect(size.size).toBe(10)
    for (let batch = 0; batch < 40; batch++) size.took(10)
    expect(size.size).toBe(50)
    for (let batch = 0; batch < 60; batch++) size.took(9_000)
    expect(size.size).toBe(5)
    expect(size.timings).toHaveLength(50)
  })

  it('keeps its start within its limits', () => {
    expect(new AdaptiveBatchSize({ start: 100 }).size).toBe(50)
    expect(new AdaptiveBatchSize({ start: 1, min: 3 }).size).toBe(3)
  })

  it.each([
    [{ start: 0 }, 'start'],
    [{ min: 1.5 }, 'min'],
    [{ window: 100 }, 'window'],
    [{ slow: 'slowly' }, 'slow'],
    [{ maxx: 1 }, 'did you mean "max"'],
    [{ min: 60 }, 'min'],
    [{ fast: '10s' }, 'fast'],
  ])('refuses %j', (options, names) => {
    expect(() => new AdaptiveBatchSize(options as object)).toThrow(names)
  })
})
