import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Frame, type FrameKind } from '../../../src/stream/frame.ts'
import { MemoryLine } from '../../../src/stream/memory-line.ts'
import { At, RingMemory } from '../../../src/stream/ring-memory.ts'
import { RingWriter } from '../../../src/stream/ring-writer.ts'
import { SlotReader, type HeldFrame } from '../../../src/stream/slot-reader.ts'

interface Sent {
  readonly kind: FrameKind
  readonly partition: number
  readonly sequence: number
  readonly key: string
  readonly token: number
  readonly data: string
}

function write(writer: RingWriter, { kind, partition, sequence, key, token, data }: Sent): boolean {
  const payload = kind === Frame.bytes ? Buffer.from(data) : data
  return writer.write(kind, partition, sequence, 1.5, key, undefined, token, payload)
}

function seen(reader: SlotReader): Sent {
  const { kind, partition, sequence, key, token } = reader
  const data = kind === Frame.bytes ? Buffer.from(reader.bytes()).toString() : reader.text()
  return { kind, partition, sequence, key, token, data }
}

function readerOf(writer: RingWriter): SlotReader {
  return new SlotReader(new MemoryLine({ memory: writer.ring.memory }))
}

const frame: fc.Arbitrary<Sent> = fc.record({
  kind: fc.constantFrom(Frame.text, Frame.bytes, Frame.gap, Frame.query, Frame.barrier),
  partition: fc.nat(1023),
  sequence: fc.nat(Number.MAX_SAFE_INTEGER),
  key: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('k'.repeat(300))),
  token: fc.nat(2 ** 31 - 1),
  data: fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.nat(1800).map((length) => 'ü'.repeat(length % 7) + 'x'.repeat(length)),
  ),
})

type Step =
  | { readonly do: 'write'; readonly frame: Sent }
  | { readonly do: 'publish' | 'flush' | 'renew' }
  | { readonly do: 'read'; readonly count: number; readonly hold: boolean }
  | { readonly do: 'release'; readonly which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), frame }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('publish' as const, 'flush' as const) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'renew' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      count: fc.integer({ min: 1, max: 9 }),
      hold: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }) },
)

describe('a ring', () => {
  test('hands over what was written, once and in order, whatever the sizes and the batches', () => {
    // Against a plain array: also where it wraps, where it is full, and where a new reader takes over.
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const writer = new RingWriter(RingMemory.ofCapacity(8192))
        let reader = readerOf(writer)
        /** Written and not read; and read, but not passed on as done, with what holds it. */
        let unread: Sent[] = []
        let readable = 0
        let inHand: { readonly frame: Sent; held: HeldFrame | undefined }[] = []
        for (const each of steps) {
          if (each.do === 'write') {
            if (write(writer, each.frame)) unread.push(each.frame)
          } else if (each.do === 'publish') {
            writer.publish()
            readable = unread.length
          } else if (each.do === 'read') {
            for (let i = 0; i < each.count; i++) {
              expect(reader.next()).toBe(readable > 0)
              if (readable === 0) break
              readable--
              const expected = unread.shift()!
              expect(seen(reader)).toEqual(expected)
              const held = each.hold ? reader.hold() : undefined
              if (held === undefined) reader.commit()
              inHand.push({ frame: expected, held })
            }
          } else if (each.do === 'release') {
            const holding = inHand.filter(({ held }) => held !== undefined)
            const picked = holding[each.which % Math.max(1, holding.length)]
            if (picked !== undefined) {
              reader.release(picked.held!)
              picked.held = undefined
            }
          } else if (each.do === 'flush') {
            reader.flush()
            expect(writer.depth).toBe(unread.length + doneFrom(inHand).length)
          } else {
            reader.flush()
            // Its worker dies: another one begins where it was not done.
            unread = [...doneFrom(inHand).map((one) => one.frame), ...unread]
            inHand = []
            writer.renew()
            readable = unread.length
            reader = readerOf(writer)
            expect(writer.depth).toBe(unread.length)
          }
        }
        writer.publish()
        for (const expected of unread) {
          expect(reader.next()).toBe(true)
          expect(seen(reader)).toEqual(expected)
        }
        expect(reader.next()).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  test('takes a frame of half its size at any place, once it is empty', () => {
    // Else a message that is allowed could wait for ever.
    const capacity = 4096
    for (let first = 0; first < capacity / 2; first += 104) {
      const writer = new RingWriter(RingMemory.ofCapacity(capacity))
      const reader = readerOf(writer)
      const sent = { kind: Frame.text, partition: 1, sequence: 1, key: 'k', token: 0 }
      for (const length of [first, first, capacity / 2 - 56]) {
        expect(write(writer, { ...sent, data: 'x'.repeat(length) })).toBe(true)
        writer.publish()
        expect(reader.next()).toBe(true)
        expect(reader.text()).toBe('x'.repeat(length))
        reader.commit()
        reader.flush()
      }
    }
  })

  test('goes on when its positions have counted around', () => {
    const ring = RingMemory.ofCapacity(4096)
    for (const at of [At.read, At.written]) Atomics.store(ring.control, at, 2 ** 31 - 20)
    const writer = new RingWriter(ring)
    const reader = readerOf(writer)
    for (let i = 0; i < 500; i++) {
      expect(
        write(writer, { kind: Frame.text, partition: 0, sequence: i, key: 'k', token: 0, data: `${i}` }),
      ).toBe(true)
      writer.publish()
      expect(reader.next()).toBe(true)
      expect(reader.text()).toBe(`${i}`)
      reader.commit()
      reader.flush()
    }
  })

  test('a reader that was cut off commits nothing any more', () => {
    const writer = new RingWriter(RingMemory.ofCapacity(4096))
    const sent = { kind: Frame.text, partition: 1, key: 'k', token: 0 } as const
    for (let i = 0; i < 3; i++) write(writer, { ...sent, sequence: i, data: `${i}` })
    writer.publish()
    const old = readerOf(writer)
    old.next()
    old.commit()
    old.flush()
    writer.renew()
    const young = readerOf(writer)
    while (old.next()) old.commit()
    old.flush()
    expect(writer.depth).toBe(2)
    expect([young.next() && young.text(), young.next() && young.text()]).toEqual(['1', '2'])
  })

  test('what is written just before the reader falls asleep keeps it awake', async () => {
    // The writer saw nobody asleep and woke nobody: else the message would lie there until the next one.
    const writer = new RingWriter(RingMemory.ofCapacity(4096))
    const line = new MemoryLine({ memory: writer.ring.memory })
    write(writer, { kind: Frame.text, partition: 1, key: 'k', token: 0, sequence: 1, data: 'x' })
    writer.publish()
    writer.wake()
    await line.sleep(0)
    expect(Atomics.load(writer.ring.control, At.sleeping)).toBe(0)
  })

  test('one that waits is woken by what is written, and by whoever asks it to end', async () => {
    const writer = new RingWriter(RingMemory.ofCapacity(4096))
    const reader = readerOf(writer)
    const first = reader.wait()
    write(writer, { kind: Frame.text, partition: 1, key: 'k', token: 0, sequence: 1, data: 'x' })
    writer.publish()
    writer.wake()
    await first
    expect(reader.next()).toBe(true)
    const second = reader.wait()
    reader.wake()
    await second
    expect(reader.next()).toBe(false)
  })
})

function doneFrom<T extends { readonly held: unknown }>(inHand: T[]): T[] {
  const first = inHand.findIndex(({ held }) => held !== undefined)
  return first < 0 ? [] : inHand.slice(first)
}
