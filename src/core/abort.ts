import { toError } from './errors.ts'

/**
 * True when `error` is what an aborted `signal` makes those throw who wait on it: its reason, or an AbortError.
 * An end that was asked for is not a failure.
 */
export function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError')
}

/** What `promise` gives, unless `signal` aborts first: then its reason is thrown. Leaves no listener behind. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(toError(signal.reason))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    promise.catch(() => {})
  }
}
