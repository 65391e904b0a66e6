/** Were the order wrong, a worker would be started before what it needs. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { affectedBy } from '../../../src/server/strategy.ts'

const members = ['store', 'reader', 'writer'] as const

test.each([
  ['one-for-one', ['reader']],
  ['rest-for-one', ['reader', 'writer']],
  ['one-for-all', ['store', 'reader', 'writer']],
] as const)('%s: with reader end and begin %j', (strategy, affected) => {
  expect(affectedBy(strategy, members, 'reader')).toEqual(affected)
})

test('who is affected includes who failed, in the order of the start', () => {
  const strategies = fc.constantFrom('one-for-one', 'rest-for-one', 'one-for-all')
  fc.assert(
    fc.property(strategies, fc.uniqueArray(fc.nat(), { minLength: 1 }), fc.nat(), (strategy, all, pick) => {
      const failed = all[pick % all.length]!
      const affected = affectedBy(strategy, all, failed)
      expect(affected).toContain(failed)
      expect(affected).toEqual(all.filter((each) => affected.includes(each)))
    }),
  )
})
