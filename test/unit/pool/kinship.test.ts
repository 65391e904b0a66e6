import { expect, test } from 'vitest'
import { Kinship } from '../../../src/pool/kinship.ts'

const shared = { n: 1 }
const buffer = new ArrayBuffer(8)

test.each<[string, unknown, unknown]>([
  ['the same object', shared, shared],
  ['an object somewhere inside', { a: [{ b: shared }] }, [shared]],
  ['memory under two views', new Uint8Array(buffer), new Uint16Array(buffer)],
  ['memory and a view of it', buffer, new Uint8Array(buffer)],
  ['something inside of what is not looked into', new Map([['a', shared]]), shared],
  ['something inside of what is not looked into, the other way round', shared, new Map([['a', shared]])],
  ['something beyond what is looked at', Array.from({ length: 100 }, () => ({})), shared],
])('values that have in common %s are kept apart', (_, one, other) => {
  // Else two tasks that were given one object get one copy of it, and one changes what the other sees.
  const kinship = new Kinship()
  expect(kinship.add(['a', one])).toBe(true)
  expect(kinship.add([1, 2, other])).toBe(false)
  expect(kinship.add([3, 'primitives never matter'])).toBe(true)
  kinship.clear()
  expect(kinship.add([other])).toBe(true)
})

test.each<[string, unknown, unknown]>([
  ['plain objects', { a: { b: [1, new Date(0)] } }, { a: { b: [1, new Date(0)] } }],
  ['buffers', new Uint8Array(8), new Uint8Array(8)],
  ['one that contains itself', Object.assign([] as unknown[], { 0: shared }), { other: true }],
])('values that have nothing in common go together: %s', (_, one, other) => {
  const kinship = new Kinship()
  expect(kinship.add([one, one])).toBe(true)
  expect(kinship.add([other])).toBe(true)
})

test('a value may go round', () => {
  const round: { self?: unknown } = {}
  round.self = round
  expect(new Kinship().add([round])).toBe(true)
})
