import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ResultRing } from '../../../src/pool/result-ring.ts'

function ends(): { readonly writer: ResultRing; readonly reader: ResultRing } {
  const memory = ResultRing.newMemory()
  return { writer: new ResultRing(memory), reader: new ResultRing(memory) }
}

function readAll(reader: ResultRing): unknown[][] {
  const all: unknown[][] = []
  reader.read((...each) => all.push(each))
  return all
}

test('what is written is read once, in its order, exactly as it was', () => {
  // Else a caller gets the result of another one, or -0 for 0.
  const value = fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined, -0, NaN))
  const result = fc.tuple(fc.nat(2 ** 30), value, fc.nat(2 ** 40))
  fc.assert(
    fc.property(fc.array(fc.array(result, { maxLength: 700 }), { maxLength: 8 }), (rounds) => {
      const { writer, reader } = ends()
      for (const round of rounds) {
        for (const each of round) expect(writer.write(...each)).toBe(true)
        expect(readAll(reader)).toEqual(round)
      }
    }),
    { numRuns: 50 },
  )
})

test('takes no more than there is room for, and again when that was read', () => {
  // Else a result is written over one that nobody has read.
  const { writer, reader } = ends()
  let written = 0
  while (writer.write(written, written, 1)) written++
  expect(written).toBe(1024)
  expect(readAll(reader).map(([head]) => head)).toEqual(Array.from({ length: 1024 }, (_, n) => n))
  expect(writer.write(7, true, 0)).toBe(true)
  expect(readAll(reader)).toEqual([[7, true, 0]])
})

test.each([
  ['text', 'a'],
  ['an object', {}],
  ['a bigint', 1n],
  ['a function', () => {}],
])('leaves %s to a message', (_, value) => {
  const { writer, reader } = ends()
  expect(writer.write(1, value, 1)).toBe(false)
  expect(readAll(reader)).toEqual([])
})
