import { systemClock } from './clock.ts'
import { after } from './timer.ts'

/**
 * Waits `ms`, however long, and leaves no timer or listener behind.
 * @returns true when the time is over, false when `signal` aborted first (or already had).
 */
export function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = systemClock.monotonic() + ms
    let cancel = after(ms, wake)
    signal.addEventListener('abort', cut, { once: true })

    function wake(): void {
      const left = end - systemClock.monotonic()
      // A timer may be early by a millisecond; only one that was cut at its longest is early by more.
      if (left > 1) {
        cancel = after(left, wake)
        return
      }
      signal.removeEventListener('abort', cut)
      resolve(true)
    }
    function cut(): void {
      cancel()
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
