import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KEY_PLACES, KeyReadings, KeyTable } from '../../../src/stream/key-table.ts'
import { partitionOf } from '../../../src/stream/partition.ts'

/** As a router and a reader do with each message. @returns the key as it was read. */
function pass(table: KeyTable, readings: KeyReadings, key: string): string {
  const known = table.get(key)
  expect(known?.partition ?? table.miss(key)).toBe(partitionOf(key))
  if (known === undefined) return key
  const read = readings.get(known.place, known.number)
  if (read === undefined) readings.set(known.place, known.number, key)
  return read ?? key
}

test('a key is always read as it was written, however many there are', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(60_000), fc.boolean()), { maxLength: 50 }), (jumps) => {
      const table = new KeyTable()
      // Readers that are not sent every key: their tables are behind.
      const readings = [new KeyReadings(), new KeyReadings()] as const
      for (const [start, isOther] of jumps) {
        for (let i = start; i < start + 800; i++) {
          const key = `key-${i}`
          expect(pass(table, readings[isOther ? 1 : 0], key)).toBe(key)
        }
      }
    }),
    { numRuns: 10 },
  )
})

test('few keys are known soon, also after very many were seen', () => {
  // Else a stream would be slow for ever after one sweep over all its keys.
  const table = new KeyTable()
  const see = (key: string): void => {
    if (table.get(key) === undefined) table.miss(key)
  }
  for (let i = 0; i < KEY_PLACES * 20; i++) see(`old-${i}`)
  for (let i = 0; i < 600_000; i++) see(`new-${i % 500}`)
  const known = Array.from({ length: 500 }, (_, i) => table.get(`new-${i}`)).filter(
    (each) => each !== undefined,
  )
  expect(known.length).toBeGreaterThan(450)
})

test('what cannot be told apart by its bytes is not kept', () => {
  const table = new KeyTable()
  table.miss('\ud800')
  table.miss('\ufffd')
  expect(table.get('\ud800')).toBeUndefined()
  expect(table.get('\ufffd')?.key).toBe('\ufffd')
})
