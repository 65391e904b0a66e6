const [seconds, nanoseconds] = process.hrtime()
/** performance.now() counts from the start of its thread; hrtime reads the clock that all of a machine share. */
const OFFSET_MS = seconds * 1000 + nanoseconds / 1e6 - performance.now()

/** Milliseconds, with their fractions, of the clock that all threads and processes of this machine share. */
export function monotonicMs(): number {
  return performance.now() + OFFSET_MS
}
