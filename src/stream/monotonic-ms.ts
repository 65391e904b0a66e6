const SAMPLES = 16

/** performance.now() counts from the start of its thread; hrtime reads the clock that all of a machine share. */
const offsetMs = Math.max(...Array.from({ length: SAMPLES }, measure))

/** Too small when this thread is held up between the two, never too large. */
function measure(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6 - performance.now()
}

/** Milliseconds, with their fractions, of the clock that all threads and processes of this machine share. */
export function monotonicMs(): number {
  return performance.now() + offsetMs
}
