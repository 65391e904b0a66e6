import type { Distribution } from '../observe/distribution.ts'

/** Each doubling is divided into so many buckets: what is told is exact to an eighth. */
const STEPS = 8
/** Enough for 2 ** 31 microseconds, about 36 minutes. */
export const LATENCY_BUCKETS = 256

/** The bucket of a latency in ms. What is no positive number counts as the shortest. */
export function latencyBucket(ms: number): number {
  const us = Math.min(2 ** 31 - 1, Math.max(0, Math.round(ms * 1000) || 0))
  if (us < STEPS) return us
  const doublings = 31 - Math.clz32(us)
  return (doublings - 2) * STEPS + ((us >>> (doublings - 3)) & (STEPS - 1))
}

/** The longest latency of a bucket, in ms. */
export function bucketMs(bucket: number): number {
  if (bucket < STEPS) return bucket / 1000
  const doublings = Math.floor(bucket / STEPS) + 2
  return ((STEPS + (bucket % STEPS) + 1) * 2 ** (doublings - 3) - 1) / 1000
}

/** What counts by bucket say. Percentiles and the longest are exact to an eighth. */
export function latencyOf(counts: readonly Int32Array[]): Distribution {
  const sums = Array.from({ length: LATENCY_BUCKETS }, (_, bucket) =>
    // They count around once there were 2 ** 31.
    counts.reduce((sum, each) => sum + (Atomics.load(each, bucket) >>> 0), 0),
  )
  const count = sums.reduce((sum, each) => sum + each, 0)
  if (count === 0) return { count, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 }
  const total = sums.reduce((sum, each, bucket) => sum + each * bucketMs(bucket), 0)
  const at = (share: number): number => {
    let passed = 0
    return bucketMs(sums.findIndex((each) => (passed += each) >= Math.ceil(count * share)))
  }
  return {
    count,
    meanMs: Math.round((total / count) * 1000) / 1000,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
  }
}
