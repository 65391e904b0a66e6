import { systemClock } from './clock.ts'

/** setTimeout takes 31 bits of milliseconds, about 24.8 days, and fires at once for anything longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Waits `ms`, however long, and leaves no timer or listener behind.
 * @returns true when the time is over, false when `signal` aborted first (or already had).
 */
export function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = systemClock.monotonic() + ms
    let timer = setTimeout(wake, Math.min(ms, LONGEST_TIMER_MS))
    signal.addEventListener('abort', cut, { once: true })

    function wake(): void {
      const left = end - systemClock.monotonic()
      if (ms > LONGEST_TIMER_MS && left > 0) {
        timer = setTimeout(wake, Math.min(left, LONGEST_TIMER_MS))
        return
      }
      signal.removeEventListener('abort', cut)
      resolve(true)
    }
    function cut(): void {
      clearTimeout(timer)
      resolve(false)
    }
  })
}

/** Waits for `promise`, at most `ms`. @returns true when it settled in time, however it did. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = new AbortController()
  const stopWaiting = (): void => settled.abort()
  promise.then(stopWaiting, stopWaiting)
  return !(await sleep(ms, settled.signal))
}
