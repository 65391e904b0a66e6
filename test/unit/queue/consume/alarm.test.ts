import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Alarm } from '../../../../src/queue/consume/alarm.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

it('rings once, at the earliest of the times that it was asked for', () => {
  const ring = vi.fn<() => void>()
  const alarm = new Alarm(ring)
  alarm.atLatestIn(500)
  alarm.atLatestIn(100)
  alarm.atLatestIn(300)
  vi.advanceTimersByTime(99)
  expect(ring).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1000)
  expect(ring).toHaveBeenCalledTimes(1)
})

it('can be asked again when it rang or was stopped', () => {
  const ring = vi.fn<() => void>()
  const alarm = new Alarm(ring)
  alarm.atLatestIn(10)
  alarm.stop()
  vi.advanceTimersByTime(50)
  expect(ring).not.toHaveBeenCalled()
  alarm.atLatestIn(10)
  vi.advanceTimersByTime(50)
  alarm.atLatestIn(10)
  vi.advanceTimersByTime(50)
  expect(ring).toHaveBeenCalledTimes(2)
})

it('does not ring at once for a time months ahead, nor for one that never comes', () => {
  const ring = vi.fn<() => void>()
  const alarm = new Alarm(ring)
  alarm.atLatestIn(Infinity)
  alarm.atLatestIn(90 * 86_400_000)
  vi.advanceTimersByTime(60_000)
  expect(ring).not.toHaveBeenCalled()
})
