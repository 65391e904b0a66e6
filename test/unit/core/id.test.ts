import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId, randomSeed, randomText, seedRandom } from '../../../src/core/id.ts'

test('an id is 22 characters of 0-9A-Za-z and begins with its time', () => {
  const now = Date.now() + 1000
  const id = newId(now)
  expect(id).toMatch(/^[0-9A-Za-z]{22}$/)
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  expect([...id.slice(0, 8)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)).toBe(now)
})

test('ids sort in the order in which they were made, whatever the wall clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1e12, max: 4e12 }), { minLength: 2, maxLength: 50 }), (times) => {
      const ids = times.map((time) => newId(time))
      expect(ids.toSorted()).toEqual(ids)
    }),
  )
})

test('ids of one moment differ and sort, also when there are more than its counter can tell apart', () => {
  const now = 4.5e12
  const ids = Array.from({ length: 250_000 }, () => newId(now))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.every((id, index) => index === 0 || ids[index - 1]! < id)).toBe(true)
})

test('random text has the length that was asked for and uses all of its alphabet', () => {
  expect(randomText(0)).toBe('')
  const text = randomText(20_000)
  expect(text).toMatch(/^[0-9a-z]{20000}$/)
  expect(new Set(text).size).toBe(36)
})

test('no two threads are given the same random bytes to begin with', () => {
  const seeds = Array.from({ length: 1000 }, () => Buffer.from(randomSeed()).toString('hex'))
  expect(new Set(seeds).size).toBe(seeds.length)
})

test('a seed is used up before new bytes are made, and none of it twice', () => {
  // What 1 stands for is seen as often as the seed has it, and then no more often than by chance.
  seedRandom(new Uint8Array(64).fill(1))
  expect(randomText(60)).toBe('1'.repeat(60))
  const rest = randomText(200)
  expect(rest.startsWith('1111')).toBe(true)
  expect(rest.slice(4)).not.toMatch(/1{20}/)
})
