import type { Work } from './job.ts'
import { Random } from './random.ts'

/**
 * Work of many lengths: one half ends within 1 to 20 ms, so that there is always something that is done and not
 * settled; the other takes longer, so that a kill cuts off a whole worker's worth of jobs.
 */
export function mixedWork(seed: number, count: number, longestMs = 500): Work[] {
  const random = new Random(seed)
  return Array.from({ length: count }, (_, n) => ({
    n,
    ms: random.next() < 0.5 ? random.integer(1, 20) : random.integer(20, longestMs),
  }))
}

/** Work of even length. */
export function evenWork(count: number, ms: number, ballast?: string): Work[] {
  return Array.from({ length: count }, (_, n) => ({ n, ms, ...(ballast === undefined ? {} : { ballast }) }))
}
