/** A watch that never stops wakes an idle process a hundred times a second; one that stops too soon lets tasks hang. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watch } from '../../../src/pool/watch.ts'

const EVERY_MS = 10
let ticks = 0
let what: 'work' | 'upkeep' | 'nothing' = 'work'
let watch: Watch

beforeEach(() => {
  vi.useFakeTimers()
  ticks = 0
  watch = new Watch(EVERY_MS, () => {
    ticks++
    return what
  })
})
afterEach(() => {
  watch.stop()
  vi.useRealTimers()
})

/** @returns how many ticks there were. */
function quiet(): number {
  what = 'nothing'
  const before = ticks
  vi.advanceTimersByTime(1_000_000)
  return ticks - before
}

test('ticks while there is something to look after', () => {
  for (const each of ['work', 'upkeep'] as const) {
    what = each
    watch.start()
    ticks = 0
    vi.advanceTimersByTime(10_000)
    expect(ticks).toBe(1000)
  }
})

test('stops when there is nothing for a while, and can be started again', () => {
  for (let i = 0; i < 3; i++) {
    watch.start()
    const count = quiet()
    expect(count).toBeGreaterThan(10)
    expect(count).toBeLessThan(1000)
    expect(vi.getTimerCount()).toBe(0)
  }
})

test('goes on for as long as before when there is work again', () => {
  watch.start()
  const whole = quiet()
  watch.start()
  vi.advanceTimersByTime(EVERY_MS * (whole - 1))
  // Work that came and went between two ticks.
  watch.start()
  expect(quiet()).toBe(whole)
})
