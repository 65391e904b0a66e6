/** What a driver would shorten, or make nothing of, is bound as something that none does: Node 22 does, later ones do not. */
import { expect, test } from 'vitest'
import { isBindable, stored, unstored } from '../../../src/backends/sqlite/text.ts'

test.each(['', 'text', 'a\u0000b', '\u0000', 'a\ud800b', 'ü€😀'])('%j comes back', (text) => {
  const bound = stored(text)
  expect(unstored(bound, typeof bound !== 'string')).toBe(text)
})

test.each(['a\u0000b', '\u0000', '\udc00'])('%j is no text to SQLite', (text) => {
  expect(isBindable(text)).toBe(false)
  expect(stored(text)).toBeInstanceOf(Uint8Array)
})

test('no bytes have memory of their own, so that they are not taken for nothing', () => {
  const bound = stored(new Uint8Array(new ArrayBuffer(0))) as Uint8Array
  expect(bound).toHaveLength(0)
  expect(bound.buffer.byteLength).toBeGreaterThan(0)
})
