import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkEveryMs, StallWatch } from '../../../../src/worker/placement/stall-watch.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A watch with a threshold of a second, and the stalls that it reported. */
function watch(stallMs = 1000) {
  const stalls: number[] = []
  const made = new StallWatch(stallMs, (forMs) => void stalls.push(Math.round(forMs)))
  made.start()
  return { made, stalls }
}

describe('a watch over another event loop', () => {
  test('says once that signs of life are overdue, well within twice the threshold', () => {
    const { stalls } = watch()
    vi.advanceTimersByTime(999)
    expect(stalls).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(stalls).toEqual([1000])
    vi.advanceTimersByTime(10_000)
    expect(stalls).toHaveLength(1)
  })

  test('says nothing while they come, and says it again at the next stall', () => {
    const { made, stalls } = watch()
    for (let n = 0; n < 20; n++) {
      vi.advanceTimersByTime(500)
      made.beat()
    }
    expect(stalls).toEqual([])
    vi.advanceTimersByTime(1500)
    made.beat()
    vi.advanceTimersByTime(1500)
    expect(stalls).toHaveLength(2)
  })

  test('does not blame it for the time in which this loop was blocked itself', () => {
    const { stalls } = watch()
    vi.advanceTimersByTime(400)
    // The clock goes on while no timer runs.
    vi.setSystemTime(Date.now())
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000)
    vi.advanceTimersByTime(250)
    expect(stalls).toEqual([])
    vi.restoreAllMocks()
  })

  test('can be stopped, more than once, and watches nothing when it has no threshold', () => {
    const { made, stalls } = watch()
    made.stop()
    made.stop()
    watch(Infinity)
    vi.advanceTimersByTime(60_000)
    expect([stalls, vi.getTimerCount()]).toEqual([[], 0])
  })

  test('starts anew when it is started again', () => {
    const { made, stalls } = watch()
    vi.advanceTimersByTime(1500)
    made.stop()
    made.start()
    vi.advanceTimersByTime(900)
    expect(stalls).toHaveLength(1)
    vi.advanceTimersByTime(600)
    expect(stalls).toHaveLength(2)
    made.stop()
  })
})

test.each([
  [50, 20],
  [1000, 250],
  [5000, 1000],
  [Infinity, 1000],
])('a threshold of %d ms is looked at every %d ms', (stallMs, everyMs) => {
  expect(checkEveryMs(stallMs)).toBe(everyMs)
})
