import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ErrorWindow } from '../../../src/observe/error-window.ts'

describe('a window of errors', () => {
  test('holds what is younger than nine tenths of it and nothing that is older than the whole', () => {
    const step = fc.record({ afterMs: fc.nat(3000), done: fc.nat(5), failed: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(step), fc.nat(20_000), fc.nat(2 ** 40), (steps, laterMs, startMs) => {
        const window = new ErrorWindow(10_000)
        let now = startMs
        const added = steps.map(({ afterMs, done, failed }) => {
          now += afterMs
          window.add(now, done, failed)
          return { at: now, done, failed }
        })
        now += laterMs
        const sum = window.sum(now)
        for (const key of ['done', 'failed'] as const) {
          const within = (ms: number): number =>
            added.filter(({ at }) => now - at < ms).reduce((total, each) => total + each[key], 0)
          expect(sum[key]).toBeGreaterThanOrEqual(within(9000))
          expect(sum[key]).toBeLessThanOrEqual(within(10_000))
        }
      }),
    )
  })
})
