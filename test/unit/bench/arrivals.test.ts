import { describe, expect, it } from 'vitest'
import { openLoop } from '../../../bench/arrivals.ts'

describe('arrivals', () => {
  it('keep to their schedule although the system stalls, and none is left out', async () => {
    const due: number[] = []
    await openLoop({
      count: 50,
      perSecond: 1000,
      arrive: (n, time) => {
        due.push(time)
        expect(performance.now()).toBeGreaterThanOrEqual(time)
        if (n !== 10) return
        const stalled = performance.now() + 20
        while (performance.now() < stalled);
      },
    })
    expect(due).toHaveLength(50)
    for (const [n, time] of due.entries()) expect(time - due[0]!).toBeCloseTo(n, 3)
  })
})
