import { describe, expect, it } from 'vitest'
import { nextRound, Stride } from '../../../../src/queue/consume/stride.ts'

/** Keeps the event loop busy. */
function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('the pace at which held jobs begin', () => {
  it('is at once, but not within the call that asks for it', async () => {
    let steps = 0
    const stride = new Stride(() => steps++)
    stride.soon()
    stride.soon()
    expect(steps).toBe(0)
    await Promise.resolve()
    expect(steps).toBe(1)
  })

  it('lets the event loop come round although each step asks for the next', async () => {
    let steps = 0
    const stride = new Stride(() => {
      spin(0.3)
      if (++steps < 1000) stride.soon()
    })
    stride.soon()
    await nextRound()
    const first = steps
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(20)
    await nextRound()
    expect(steps).toBeGreaterThan(first)
    steps = 1000
  })

  it('makes way for a request that is written when the loop comes round', async () => {
    const order: string[] = []
    const stride = new Stride(() => order.push('step'))
    stride.soon()
    stride.makeWay()
    stride.soon()
    // As drivers do it: some promises later, in the next round.
    await Promise.resolve()
    setImmediate(() => order.push('written'))
    for (let round = 0; round < 4; round++) await nextRound()
    expect(order).toEqual(['written', 'step'])
    stride.soon()
    await Promise.resolve()
    expect(order).toEqual(['written', 'step', 'step'])
  })
})
