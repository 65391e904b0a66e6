import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fmix32, fnv1a32 } from '../../../src/stream/hash.ts'
import { PARTITIONS, partitionOf } from '../../../src/stream/partition.ts'

test('a text hashes as FNV-1a was published', () => {
  // From the test suite of its authors; else producers in other languages choose other partitions.
  expect(fnv1a32('')).toBe(0x811c9dc5)
  expect(fnv1a32('a')).toBe(0xe40c292c)
  expect(fnv1a32('b')).toBe(0xe70c2de5)
  expect(fnv1a32('foobar')).toBe(0xbf9cf968)
  expect(fnv1a32('chongo was here!\n')).toBe(0xd49930d5)
})

test('the bits are mixed as MurmurHash3 does at its end', () => {
  expect([0, 1, 2, 0xffffffff].map(fmix32)).toEqual([0, 0x514e28b7, 0x30f4c306, 0x81f16f39])
})

test('any text hashes by its bytes in UTF-8', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme', maxLength: 500 }),
    fc.string({ unit: 'binary-ascii', maxLength: 500 }),
    // Lone surrogates too: they are encoded as the replacement character.
    fc.array(fc.nat(0xffff), { maxLength: 500 }).map((units) => String.fromCharCode(...units)),
  )
  fc.assert(
    fc.property(text, (given) => {
      let hash = 0x811c9dc5
      for (const byte of Buffer.from(given)) hash = Math.imul(hash ^ byte, 0x01000193)
      expect(fnv1a32(given)).toBe(hash >>> 0)
    }),
    { numRuns: 1000 },
  )
})

test('keys that differ by a number are spread evenly over the partitions', () => {
  // 100 a partition are expected; the low bits of FNV alone would leave some of them empty.
  const counts = new Int32Array(PARTITIONS)
  for (let i = 0; i < PARTITIONS * 100; i++) counts[partitionOf(`sensor/${i}/temperature`)]!++
  expect(Math.min(...counts)).toBeGreaterThan(50)
  expect(Math.max(...counts)).toBeLessThan(160)
})

test('the partition of a key never changes', () => {
  expect(['a', 'AAPL', 'sensor/1', 'ключ', '🙂'].map(partitionOf)).toMatchInlineSnapshot(`
    [
      435,
      1018,
      930,
      354,
      330,
    ]
  `)
})
