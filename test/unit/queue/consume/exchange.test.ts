import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { BackendError } from '../../../../src/core/errors.ts'
import { Exchange } from '../../../../src/queue/consume/exchange.ts'
import { wrapped } from '../wrapped-backend.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('all who wait for a store that was away try again as soon as one of them is answered', async () => {
  const { backend, interfere, calls } = wrapped()
  const exchange = new Exchange(backend)
  await backend.open()
  let isAway = true
  interfere((_, next) =>
    isAway ? Promise.reject(new BackendError('BACKEND_UNAVAILABLE', 'nobody answers')) : next(),
  )
  const { signal } = new AbortController()
  const answeredAt: number[] = []
  for (let n = 0; n < 5; n++)
    void exchange.trip([], undefined, signal).then(() => answeredAt.push(Date.now()))
  // By now each of them waits for some seconds between its tries, and none as long as the others.
  await vi.advanceTimersByTimeAsync(60_000)
  expect(exchange.isUp).toBe(false)
  const tries = calls.length
  isAway = false
  await vi.advanceTimersByTimeAsync(5_000)
  expect(answeredAt).toHaveLength(5)
  expect(new Set(answeredAt).size).toBe(1)
  expect([exchange.isUp, calls.length - tries]).toEqual([true, 5])
})
