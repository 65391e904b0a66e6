/** setTimeout takes 31 bits of milliseconds, about 24.8 days, and fires at once for anything longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Calls `then` once, after `ms` or after 24.8 days, whichever is sooner.
 * @param options `ref: false` lets the process end before that.
 * @returns the function that calls it off.
 */
export function after(ms: number, then: () => void, options: { readonly ref?: boolean } = {}): () => void {
  const timer = setTimeout(then, Math.min(ms, LONGEST_TIMER_MS))
  if (options.ref === false) timer.unref()
  return () => clearTimeout(timer)
}
