import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketMs, LATENCY_BUCKETS, latencyBucket, latencyOf } from '../../../src/stream/latency.ts'

test('a latency is told within an eighth', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2_000_000, noNaN: true }), (ms) => {
      const bucket = latencyBucket(ms)
      expect(bucket).toBeLessThan(LATENCY_BUCKETS)
      expect(bucketMs(bucket)).toBeGreaterThanOrEqual(ms - 0.001)
      expect(bucketMs(bucket)).toBeLessThanOrEqual(ms * 1.125 + 0.001)
    }),
  )
})

test('what cannot be a latency counts as the shortest or the longest', () => {
  expect([-5, NaN].map(latencyBucket)).toEqual([0, 0])
  expect(latencyBucket(Infinity)).toBeLessThan(LATENCY_BUCKETS)
})

test('percentiles are those of all slots together', () => {
  const counts = [new Int32Array(LATENCY_BUCKETS), new Int32Array(LATENCY_BUCKETS)] as const
  counts[0][latencyBucket(1)] = 98
  counts[1][latencyBucket(500)] = 2
  const { count, p50Ms, p95Ms, p99Ms, maxMs } = latencyOf(counts)
  expect(count).toBe(100)
  for (const each of [p50Ms, p95Ms]) expect(each).toBeCloseTo(1, 0)
  for (const each of [p99Ms, maxMs]) expect(each).toBe(bucketMs(latencyBucket(500)))
  expect(latencyOf([new Int32Array(LATENCY_BUCKETS)])).toMatchObject({ count: 0, maxMs: 0 })
})
