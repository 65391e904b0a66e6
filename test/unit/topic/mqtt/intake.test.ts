import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TopicMessage } from '../../../../src/topic/message.ts'
import { Intake, type IntakeLimits } from '../../../../src/topic/mqtt/intake.ts'
import type { Receipt } from '../../../../src/topic/mqtt/receipt.ts'
import type { PublishPacket } from '../../../../src/topic/mqtt/packets.ts'

const ANSWERS: Readonly<Record<number, string>> = { 0x40: 'puback', 0x50: 'pubrec', 0x70: 'pubcomp' }

/** An intake whose handlers wait to be ended by hand. */
function scene(limits: Partial<IntakeLimits> = {}) {
  const inHand: { text: string; message: TopicMessage; receipt: Receipt }[] = []
  const written: string[] = []
  const events: string[] = []
  const intake = new Intake(
    { window: 100, windowBytes: 1e6, intakeBytes: 1e6, ...limits },
    (message, receipt) => {
      const text = Buffer.from(message.payload).toString()
      if (text === 'throws') throw new Error('broken')
      inHand.push({ text, message, receipt })
    },
    {
      onAnswers: (packets) => {
        for (let at = 0; at < packets.length; at += 4)
          written.push(`${ANSWERS[packets[at]!]} ${packets[at + 2]! * 256 + packets[at + 3]!}`)
      },
      onError: (error) => events.push(String(error)),
      onOverflow: () => {
        events.push('overflow')
        intake.lost()
      },
      onDropped: () => events.push('dropped'),
      onRoom: () => {},
      isUnwanted: (topic) => topic === 'unwanted',
    },
  )
  const take = (messageId: number, text: string, more: Partial<PublishPacket> = {}): void =>
    intake.take({
      ...{ cmd: 'publish', topic: 't', payload: Buffer.from(text), qos: 1, retain: false, dup: false },
      messageId,
      ...more,
    })
  const done = (text: string): void =>
    inHand
      .splice(
        inHand.findIndex((each) => each.text === text),
        1,
      )[0]!
      .receipt.ack()
  const texts = (): string[] => inHand.map(({ text }) => text)
  const answers = (): string[] => {
    intake.flush()
    return written.splice(0)
  }
  intake.opened(false)
  return { intake, take, done, texts, answers, events, inHand }
}

test('messages are handled side by side and acknowledged in the order of their arrival', () => {
  const { take, done, texts, answers } = scene()
  for (const [id, text] of ['a', 'b', 'c'].entries()) take(id + 7, text, { qos: id === 1 ? 2 : 1 })
  expect(texts()).toEqual(['a', 'b', 'c'])
  done('c')
  done('b')
  expect(answers()).toEqual([])
  done('a')
  expect(answers()).toEqual(['puback 7', 'pubrec 8', 'puback 9'])
})

test('no more than the window are handled at once, in messages and in bytes, and the others wait', () => {
  const { take, done, texts, intake } = scene({ window: 2, windowBytes: 1000 })
  for (const text of ['a', 'b', 'c']) take(text.charCodeAt(0), text)
  expect([texts(), intake.waiting]).toEqual([['a', 'b'], 1])
  done('b')
  expect([texts(), intake.waiting]).toEqual([['a', 'c'], 0])
  done('a')
  done('c')
  take(1, 'x'.repeat(5000))
  take(2, 'small')
  expect([texts().length, intake.waiting]).toEqual([1, 1])
})

test('a slow message of QoS 0 holds up no acknowledgement', () => {
  const { take, done, answers } = scene()
  take(0, 'slow', { qos: 0 })
  take(5, 'quick')
  done('quick')
  expect(answers()).toEqual(['puback 5'])
})

test('when no more can wait the connection is dropped, and messages of QoS 0 are thrown away', () => {
  const { take, events, intake, texts } = scene({ window: 1, intakeBytes: 1000 })
  take(1, 'a')
  for (let id = 2; id < 20; id++) take(id, `zero ${id}`, { qos: 0 })
  expect(new Set(events)).toEqual(new Set(['dropped']))
  for (let id = 2; id < 20; id++) take(id, `one ${id}`)
  expect(events.filter((event) => event !== 'dropped')).toEqual(['overflow'])
  expect(texts()).toEqual(['a'])
  expect(intake.hasRoom).toBe(false)
})

test('acknowledgements of a lost connection are thrown away, whatever message has the packet id now', () => {
  const { intake, take, done, texts, answers } = scene()
  take(1, 'old')
  intake.lost()
  intake.opened(true)
  take(1, 'new')
  done('old')
  expect(answers()).toEqual([])
  expect(texts()).toEqual(['new'])
  done('new')
  expect(answers()).toEqual(['puback 1'])
})

test('a message that comes again while its handler runs is not handled twice', () => {
  const { intake, take, done, texts, answers } = scene()
  take(1, 'a')
  take(2, 'b')
  done('b')
  intake.lost()
  intake.opened(true)
  take(1, 'a', { dup: true })
  take(2, 'b', { dup: true })
  expect(texts()).toEqual(['a'])
  expect(answers()).toEqual([])
  done('a')
  expect(answers()).toEqual(['puback 1', 'puback 2'])
})

test.each<[string, Partial<PublishPacket> | undefined, string]>([
  ['has another payload', { dup: true }, 'other'],
  ['has another topic', { dup: true, topic: 'else' }, 'a'],
  ['is not marked as sent before', {}, 'a'],
  ['has another QoS', { dup: true, qos: 2 }, 'a'],
])('a message under the id of a handled one is another message when it %s', (_why, more, text) => {
  const { intake, take, done, texts } = scene()
  take(1, 'a')
  take(2, 'behind')
  intake.lost()
  done('a')
  intake.opened(true)
  take(1, text, more)
  expect(texts()).toEqual(['behind', text])
})

test('a session that is gone brings nothing again, so what has an old id is new', () => {
  const { intake, take, done, texts } = scene()
  take(1, 'a')
  intake.lost()
  done('a')
  intake.opened(false)
  take(1, 'a', { dup: true })
  expect(texts()).toEqual(['a'])
})

test('what a connection did not bring again is not recognised on a later one', () => {
  const { intake, take, done, texts } = scene()
  take(1, 'a')
  intake.lost()
  done('a')
  intake.opened(true)
  intake.lost()
  intake.opened(true)
  take(1, 'a', { dup: true })
  expect(texts()).toEqual(['a'])
})

test('of QoS 2 it is recognised on whichever connection brings it, done or half answered', () => {
  const { intake, take, done, texts, answers } = scene()
  const cut = (): void => {
    intake.lost()
    intake.opened(true)
  }
  for (const [id, text] of ['a', 'b', 'c'].entries()) take(id + 1, text, { qos: 2 })
  done('a')
  expect(answers()).toEqual(['pubrec 1'])
  done('b')
  // Of the first, the broker has not heard.
  cut()
  take(1, 'a', { qos: 2, dup: true })
  cut()
  cut()
  for (const [id, text] of ['a', 'b', 'c'].entries()) take(id + 1, text, { qos: 2, dup: true })
  expect(texts()).toEqual(['c'])
  done('c')
  expect(answers()).toEqual(['pubrec 1', 'pubrec 2', 'pubrec 3'])
})

test('an attempt that fails before the broker speaks forgets nothing', () => {
  const { intake, take, done, texts } = scene()
  take(1, 'a')
  intake.lost()
  done('a')
  intake.lost()
  intake.opened(true)
  take(1, 'a', { dup: true })
  expect(texts()).toEqual([])
})

test('of QoS 2 a message is received once, until the broker has heard that we have it', () => {
  const { intake, take, done, texts, answers } = scene()
  take(1, 'a', { qos: 2 })
  done('a')
  expect(answers()).toEqual(['pubrec 1'])
  intake.lost()
  intake.opened(true)
  take(1, 'a', { qos: 2, dup: true })
  expect([texts(), answers()]).toEqual([[], ['pubrec 1']])
  intake.releasedByBroker(1)
  expect(answers()).toEqual(['pubcomp 1'])
  take(1, 'next', { qos: 2 })
  expect(texts()).toEqual(['next'])
})

test('a message that the broker had kept and nobody wants is acknowledged in its turn and not handled', () => {
  const { take, done, texts, answers } = scene()
  take(1, 'a')
  take(2, 'kept', { topic: 'unwanted', retain: true })
  take(0, 'kept', { topic: 'unwanted', retain: true, qos: 0 })
  expect([texts(), answers()]).toEqual([['a'], []])
  done('a')
  expect(answers()).toEqual(['puback 1', 'puback 2'])
})

test('a handler that throws is reported, and its message is not acknowledged', () => {
  const { take, answers, events } = scene()
  take(1, 'throws')
  expect([answers(), events]).toEqual([[], ['Error: broken']])
})

test('what was given up is handled again, and what its old handler says is not heard', () => {
  const { intake, take, inHand, texts, answers } = scene({ window: 1 })
  take(1, 'a')
  const [first] = inHand.splice(0)
  intake.disown(intake.oldest!)
  intake.lost()
  intake.opened(true)
  take(1, 'a', { dup: true })
  expect(texts()).toEqual(['a'])
  first!.receipt.ack()
  expect(answers()).toEqual([])
  inHand[0]!.receipt.ack()
  expect(answers()).toEqual(['puback 1'])
  expect(intake.delivered).toBe(0)
})

test('handlers that acknowledge at once may do so for any number of waiting messages', () => {
  const held: Receipt[] = []
  let handled = 0
  const intake: Intake = new Intake(
    { window: 1, windowBytes: 1e9, intakeBytes: 1e9 },
    (_message, receipt) => {
      handled++
      if (handled === 1) held.push(receipt)
      else receipt.ack()
    },
    {
      ...{
        onAnswers: () => {},
        onError: () => {},
        onOverflow: () => {},
        onDropped: () => {},
        onRoom: () => {},
      },
      isUnwanted: () => false,
    },
  )
  intake.opened(false)
  const packet = {
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(1),
    qos: 0,
    retain: false,
    dup: false,
  } as const
  for (let i = 0; i < 50_000; i++) intake.take(packet)
  held[0]!.ack()
  expect([handled, intake.isIdle]).toEqual([50_000, true])
})

test('with any course of events all is handled, twice only what was sent again, and answers keep the order', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'send' as const, which: 0 }) },
    { weight: 6, arbitrary: fc.nat().map((which) => ({ kind: 'done' as const, which })) },
    { weight: 3, arbitrary: fc.constant({ kind: 'answers' as const, which: 0 }) },
    { weight: 1, arbitrary: fc.nat(3).map((which) => ({ kind: 'cut' as const, which })) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 6 }), (steps, window) => {
      const { intake, take, inHand, answers } = scene({ window })
      /** What the broker has sent and got no answer to, in order. */
      let unanswered: { id: number; text: string }[] = []
      const handled = new Map<string, number>()
      const lostAnswers = new Set<string>()
      let count = 0
      const finish = (which: number): void => {
        const [one] = inHand.splice(which % inHand.length, 1)
        handled.set(one!.text, (handled.get(one!.text) ?? 0) + 1)
        one!.receipt.ack()
      }
      const hear = (): void => {
        for (const answer of answers()) {
          expect(answer).toBe(`puback ${unanswered[0]!.id}`)
          expect(handled.has(unanswered.shift()!.text)).toBe(true)
        }
      }
      for (const { kind, which } of steps) {
        if (kind === 'send') {
          // Of few ids, each taken again as soon as it is free.
          const id = [1, 2, 3, 4, 5, 6, 7, 8].find((free) => unanswered.every((each) => each.id !== free))
          if (id === undefined) continue
          unanswered.push({ id, text: `${count++}` })
          take(id, unanswered.at(-1)!.text)
        } else if (kind === 'done' && inHand.length > 0) finish(which)
        else if (kind === 'answers') hear()
        else if (kind === 'cut') {
          // Answers that were written and did not arrive.
          if (which === 0) {
            const lost = answers().length
            for (const { text } of unanswered.slice(0, lost)) lostAnswers.add(text)
          }
          intake.lost()
          intake.opened(true)
          for (const { id, text } of unanswered) take(id, text, { dup: true })
        }
      }
      while (inHand.length > 0) finish(0)
      hear()
      unanswered = []
      expect(handled.size).toBe(count)
      for (const [text, times] of handled) if (times > 1) expect(lostAnswers).toContain(text)
      expect(intake.isIdle).toBe(true)
    }),
    { numRuns: 500 },
  )
})
