import fc from 'fast-check'
import { expect, test } from 'vitest'
import { partitionOf, PARTITIONS } from '../../../src/stream/partition.ts'
import { rendezvous } from '../../../src/stream/rendezvous.ts'

const slots = fc.uniqueArray(fc.nat(500), { minLength: 1, maxLength: 20 })

test('each partition has one of the slots, whatever their order', () => {
  fc.assert(
    fc.property(slots, (given) => {
      const owners = rendezvous(given)
      expect(owners).toHaveLength(PARTITIONS)
      for (const owner of owners) expect(given).toContain(owner)
      expect(rendezvous(given.toReversed())).toEqual(owners)
    }),
    { numRuns: 50 },
  )
})

test('a slot that comes takes partitions from others, and moves none between those', () => {
  fc.assert(
    fc.property(slots, ([added, ...others]) => {
      fc.pre(others.length > 0)
      const before = rendezvous(others)
      const after = rendezvous([...others, added!])
      for (const [partition, owner] of after.entries()) {
        if (owner !== added) expect(owner).toBe(before[partition])
      }
    }),
    { numRuns: 50 },
  )
})

test('with a fifth worker, a fifth of the keys moves', () => {
  const [four, five] = [rendezvous([0, 1, 2, 3]), rendezvous([0, 1, 2, 3, 4])]
  let moved = 0
  for (let i = 0; i < 100_000; i++) {
    const partition = partitionOf(`key-${i}`)
    if (four[partition] !== five[partition]) moved++
  }
  expect(moved / 100_000).toBeLessThanOrEqual(0.22)
  expect(moved / 100_000).toBeGreaterThan(0.15)
})

test('slots get about the same number of partitions', () => {
  for (const count of [2, 3, 4, 5, 8, 16]) {
    const shares = new Int32Array(count)
    for (const owner of rendezvous(Array.from({ length: count }, (_, slot) => slot))) shares[owner]!++
    const fair = PARTITIONS / count
    expect(Math.min(...shares)).toBeGreaterThan(fair * 0.7)
    expect(Math.max(...shares)).toBeLessThan(fair * 1.4)
  }
})

test('without slots, nobody owns anything', () => {
  expect(new Set(rendezvous([]))).toEqual(new Set([-1]))
})
