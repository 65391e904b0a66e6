/** A pool that grows for nothing wastes memory, one that does not grow makes its users wait. */
import { describe, expect, test } from 'vitest'
import { sizeChange, type SizeView } from '../../../src/pool/sizing.ts'
import { StartFailures } from '../../../src/pool/start-failures.ts'
import { Estimate } from '../../../src/pool/estimates.ts'

const rules = { min: 2, max: 4, growAfterMs: 20, idleTimeoutMs: 1000 }
const calm: SizeView = {
  ...{ workers: 3, starting: 0, waiting: 0, oldestWaitMs: 0, idleMs: [], isSaturated: false },
}

describe('the size of a pool', () => {
  test.each([
    ['is brought up to min at once', { workers: 0 }, 2],
    ['is brought down to max at once', { workers: 6 }, -2],
    ['stays while nothing waits', {}, 0],
    ['stays while nothing waits for long', { waiting: 9, oldestWaitMs: 19 }, 0],
    ['grows by one when one task has waited', { waiting: 1, oldestWaitMs: 20 }, 1],
    ['grows to its double at most at a time', { workers: 2, waiting: 9, oldestWaitMs: 20 }, 2],
    ['does not grow while a worker is starting', { waiting: 1, oldestWaitMs: 99, starting: 1 }, 0],
    ['does not grow above max', { workers: 4, waiting: 1, oldestWaitMs: 99 }, 0],
    ['grows when every event loop is busy', { isSaturated: true }, 1],
    ['shrinks by those that were idle for long', { idleMs: [1000, 10, 5] }, -1],
    ['does not shrink below min', { idleMs: [1000, 1000, 1000] }, -1],
    ['does not shrink while tasks wait', { idleMs: [1000], waiting: 1 }, 0],
  ])('%s', (_title, view, change) => {
    expect(sizeChange({ ...calm, ...view }, rules)).toBe(change)
  })
})

describe('workers that cannot start', () => {
  test('are the end of a pool of which none ever worked', () => {
    const failures = new StartFailures()
    failures.failed(0)
    expect(failures.isHopeless(false)).toBe(true)
  })

  test('are put up with while another one works, ever more rarely', () => {
    const failures = new StartFailures()
    failures.started()
    let now = 0
    const delays: number[] = []
    for (let n = 0; n < 9; n++) {
      failures.failed(now)
      expect(failures.isHopeless(true)).toBe(false)
      const from = now
      while (failures.isTooSoon(now)) now += 100
      delays.push(now - from)
    }
    expect(delays.slice(0, 3)).toEqual([100, 200, 400])
    expect(Math.max(...delays)).toBe(5000)
  })

  test('are the end of a pool that did work, when several in a row fail and none is left', () => {
    const failures = new StartFailures()
    failures.started()
    failures.failed(0)
    failures.failed(1)
    expect(failures.isHopeless(false)).toBe(false)
    failures.worked()
    failures.failed(2)
    failures.failed(3)
    expect(failures.isHopeless(false)).toBe(false)
    failures.failed(4)
    expect(failures.isHopeless(false)).toBe(true)
  })
})

describe('estimates', () => {
  test('one long call moves the estimate little, and is remembered for a while', () => {
    const estimate = new Estimate()
    expect(estimate.isSteady).toBe(false)
    for (let n = 0; n < 50; n++) estimate.learn(100)
    expect(estimate.isSteady).toBe(true)
    estimate.learn(100_000)
    expect(estimate.micros).toBeLessThan(200)
    expect(estimate.isSteady).toBe(false)
    for (let n = 0; n < 500; n++) estimate.learn(100)
    expect(estimate.isSteady).toBe(true)
  })
})
