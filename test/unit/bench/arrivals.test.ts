import { describe, expect, it } from 'vitest'
import { openLoop } from '../../../bench/arrivals.ts'

describe('arrivals', () => {
  it('keep to their schedule although the system stalls, and none is left out', async () => {
    const due: number[] = []
    const late = await openLoop({
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
    // Job 10 stalls for 20 ms; the one that was due right after it is late for nearly all of them.
    expect(late[11]).toBeGreaterThan(15)
    for (const [n, time] of due.entries()) expect(time - due[0]!).toBeCloseTo(n, 3)
  })

  it('leave turns of the event loop to others when each takes longer than there is time for it', async () => {
    let turns = 0
    const other = setInterval(() => turns++, 1)
    await openLoop({
      count: 30,
      perSecond: 1000,
      arrive: () => {
        const busy = performance.now() + 3
        while (performance.now() < busy);
      },
    })
    clearInterval(other)
    expect(turns).toBeGreaterThan(2)
  })
})
