import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { after } from '../../../src/core/timer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('calls once, when the time is over', () => {
  const then = vi.fn()
  after(1000, then)
  vi.advanceTimersByTime(999)
  expect(then).not.toHaveBeenCalled()
  vi.advanceTimersByTime(100_000)
  expect(then).toHaveBeenCalledTimes(1)
})

test('does not call when it was called off', () => {
  const then = vi.fn()
  after(1000, then)()
  vi.advanceTimersByTime(2000)
  expect(then).not.toHaveBeenCalled()
})

test('does not take a time of months for no time at all', () => {
  const then = vi.fn()
  after(90 * 86_400_000, then)
  vi.advanceTimersByTime(20 * 86_400_000)
  expect(then).not.toHaveBeenCalled()
})
