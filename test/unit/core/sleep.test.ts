import { afterEach, expect, test, vi } from 'vitest'
import { isAbortOf } from '../../../src/core/abort.ts'
import { settledWithin, sleep } from '../../../src/core/sleep.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('sleeps for longer than a timer can, to the end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] })
  let woken: boolean | undefined
  void sleep(60 * 86_400_000, new AbortController().signal).then((result) => (woken = result))
  await vi.advanceTimersByTimeAsync(60 * 86_400_000 - 5)
  expect(woken).toBeUndefined()
  await vi.advanceTimersByTimeAsync(10)
  expect(woken).toBe(true)
})

test('an abort cuts a sleep short and leaves no timer', async () => {
  vi.useFakeTimers()
  const controller = new AbortController()
  const slept = sleep(60 * 86_400_000, controller.signal)
  controller.abort()
  expect(await slept).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
  expect(await sleep(5, controller.signal)).toBe(false)
})

test('tells whether a promise settled in time, and leaves no timer', async () => {
  vi.useFakeTimers()
  expect(await settledWithin(Promise.resolve(), 1000)).toBe(true)
  expect(await settledWithin(Promise.reject(new Error('no')), 1000)).toBe(true)
  expect(vi.getTimerCount()).toBe(0)
  const late = settledWithin(new Promise(() => {}), 1000)
  await vi.advanceTimersByTimeAsync(1000)
  expect(await late).toBe(false)
})

test('knows the errors that an abort makes of those that wait', () => {
  const controller = new AbortController()
  const abortError = Object.assign(new Error('stopped'), { name: 'AbortError' })
  expect(isAbortOf(controller.signal, abortError)).toBe(false)
  const reason = new Error('reason')
  controller.abort(reason)
  expect(
    [abortError, reason, new Error('other')].map((error) => isAbortOf(controller.signal, error)),
  ).toEqual([true, true, false])
})
