/**
 * True when `error` is what an aborted `signal` makes those throw who wait on it: its reason, or an AbortError.
 * An end that was asked for is not a failure.
 */
export function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}
