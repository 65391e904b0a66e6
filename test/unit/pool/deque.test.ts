/** Everything that waits is in one of these: what it loses or doubles, a user loses or gets twice. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deque } from '../../../src/pool/deque.ts'

test('a deque behaves as an array does', () => {
  const step = fc.oneof(
    fc.tuple(fc.constant('push' as const), fc.nat(9)),
    fc.tuple(fc.constant('unshift' as const), fc.nat(9)),
    fc.tuple(fc.constant('shift' as const), fc.constant(0)),
    fc.tuple(fc.constant('reject' as const), fc.nat(9)),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const deque = new Deque<number>()
      let model: number[] = []
      for (const [kind, value] of steps) {
        if (kind === 'push') {
          deque.push(value)
          model.push(value)
        } else if (kind === 'unshift') {
          deque.unshift(value)
          model.unshift(value)
        } else if (kind === 'shift') {
          expect(deque.shift()).toBe(model.shift())
        } else {
          expect(deque.reject((each) => each === value)).toEqual(model.filter((each) => each === value))
          model = model.filter((each) => each !== value)
        }
        expect(deque.size).toBe(model.length)
        expect(deque.peek()).toBe(model[0])
      }
    }),
  )
})
