import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AckWindow, Place } from '../../../../src/topic/mqtt/window.ts'

class Message extends Place {
  readonly id: number
  constructor(id: number) {
    super()
    this.id = id
  }
}

test('whatever the order in which messages are done, they are released in the order of their arrival', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ arrives: fc.boolean(), which: fc.nat() })), (steps) => {
      const released: number[] = []
      const window = new AckWindow<Message>(({ id }) => released.push(id))
      const open: Message[] = []
      let arrived = 0
      for (const { arrives, which } of steps) {
        if (arrives || open.length === 0) {
          const message = new Message(arrived++)
          open.push(message)
          window.push(message)
        } else window.complete(open.splice(which % open.length, 1)[0]!)
        const oldest = open.length === 0 ? arrived : Math.min(...open.map(({ id }) => id))
        // All before the oldest that is not done, and none after it.
        expect(released).toEqual(Array.from({ length: oldest }, (_, id) => id))
        expect(window.length).toBe(arrived - released.length)
        expect(window.head?.id).toBe(oldest === arrived ? undefined : oldest)
      }
    }),
  )
})

test('one that needs no handling is released when all before it are', () => {
  const released: number[] = []
  const window = new AckWindow<Message>(({ id }) => released.push(id))
  const [first, second] = [new Message(1), new Message(2)]
  second.isDone = true
  window.push(first)
  window.push(second)
  expect(released).toEqual([])
  window.complete(first)
  expect(released).toEqual([1, 2])
  window.push(Object.assign(new Message(3), { isDone: true }))
  expect(released).toEqual([1, 2, 3])
})

test('what was forgotten is never released', () => {
  const released: number[] = []
  const window = new AckWindow<Message>(({ id }) => released.push(id))
  const [old, fresh] = [new Message(1), new Message(2)]
  window.push(old)
  expect(window.clear()).toEqual([old])
  window.push(fresh)
  window.complete(old)
  expect(released).toEqual([])
  window.complete(fresh)
  expect(released).toEqual([2])
})

test('a message that was released holds on to none of the later ones', () => {
  const window = new AckWindow<Message>(() => {})
  const [first, second] = [new Message(1), new Message(2)]
  window.push(first)
  window.push(second)
  window.complete(first)
  expect(first.next).toBeUndefined()
})
