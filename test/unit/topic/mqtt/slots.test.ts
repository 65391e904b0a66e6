import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askedWorkers, serves, usefulWorkers, type Spread } from '../../../../src/topic/mqtt/slots.ts'

const shared = (workerCount?: number): Spread => ({ shared: true, workerCount })
const alone: Spread = { shared: false, workerCount: undefined }
const routes = fc.array(
  fc.record({
    shared: fc.boolean(),
    workerCount: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  }),
)

describe('the spreading of routes over workers', () => {
  test('what is not shared belongs to slot 0, once', () => {
    expect([0, 1, 2].map((slot) => serves(alone, slot))).toEqual([true, false, false])
  })

  test('a shared route is served by as many as it asks for, and by all when it does not say', () => {
    expect([0, 1, 2].map((slot) => serves(shared(2), slot))).toEqual([true, true, false])
    expect([0, 1, 99].map((slot) => serves(shared(), slot))).toEqual([true, true, true])
  })

  test('there are as many workers as the most demanding route asks for', () => {
    expect(askedWorkers([shared(2), shared(5), alone])).toBe(5)
    expect(askedWorkers([shared()])).toBe(1)
    expect(askedWorkers([alone])).toBe(1)
    expect(askedWorkers([])).toBe(0)
    expect(askedWorkers([{ shared: false, workerCount: 7 }])).toBe(1)
  })

  test('more workers are of use only where a route takes them', () => {
    expect(usefulWorkers([shared(2), alone])).toBe(2)
    expect(usefulWorkers([shared(2), shared()])).toBe(Infinity)
    expect(usefulWorkers([alone])).toBe(1)
  })

  test('each route has as many workers as it may, whatever their number', () => {
    fc.assert(
      fc.property(routes, fc.integer({ min: 1, max: 20 }), (all, n) => {
        for (const route of all) {
          const serving = Array.from({ length: n }, (_, slot) => slot).filter((slot) => serves(route, slot))
          expect(serving.length).toBe(route.shared ? Math.min(n, route.workerCount ?? n) : 1)
        }
        const most = Math.min(20, usefulWorkers(all))
        // None of them has nothing to do.
        for (let slot = 0; slot < most && all.length > 0; slot++) {
          expect(all.some((route) => serves(route, slot))).toBe(true)
        }
      }),
    )
  })
})
