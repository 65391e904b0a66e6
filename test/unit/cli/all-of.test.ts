import { expect, test } from 'vitest'
import { allOf } from '../../../src/cli/all-of.ts'
import { stubProbed } from '../http/stub-probed.ts'

test('several servers are as one: not ready, and not live, when one is not', () => {
  const [first, second] = [stubProbed({ a: 'running' }), stubProbed({ b: 'running' })]
  const all = allOf([first, second])
  expect([all.isStarted, all.isReady, all.isLive]).toEqual([true, true, true])
  Object.assign(second, { isStarted: false, isReady: false, isLive: false })
  expect([all.isStarted, all.isReady, all.isLive]).toEqual([false, false, false])
  expect(all.status().workers.map(({ name }) => name)).toEqual(['a', 'b'])
})
