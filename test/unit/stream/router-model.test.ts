/** The router against what must hold for each key, under any sequence of what can happen to it. */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Overflow } from '../../../src/stream/backlog.ts'
import { Frame } from '../../../src/stream/frame.ts'
import { MessageRouter } from '../../../src/stream/message-router.ts'
import { partitionOf, PARTITIONS } from '../../../src/stream/partition.ts'
import type { SlotLink } from '../../../src/stream/slot-link.ts'
import { openSlotReader, type SlotReader } from '../../../src/stream/slot-reader.ts'

const SLOTS = [0, 1, 2]
const KEYS = ['a', 'b', 'c', 'schlüssel', 'e']

type Step =
  | { readonly do: 'route'; readonly key: string; readonly size: number }
  | { readonly do: 'query'; readonly key: string }
  | { readonly do: 'read'; readonly slot: number; readonly count: number }
  | { readonly do: 'turn' }
  | { readonly do: 'die'; readonly slot: number; readonly isFlushed: boolean }
  | { readonly do: 'pause'; readonly key: string }
  | { readonly do: 'move'; readonly key: string; readonly to: number }

const slot = fc.constantFrom(...SLOTS)
const key = fc.constantFrom(...KEYS)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ do: fc.constant('route' as const), key, size: fc.constantFrom(0, 1, 30, 700) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('query' as const), key }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), slot, count: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'turn' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), slot, isFlushed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), key, to: slot }) },
)

/** What was heard of one key: the number in the last message, and what was said to be missing since. */
interface Heard {
  last: number
  missing: number
  queries: number
}

class Subject {
  readonly router: MessageRouter
  readonly links: SlotLink[] = []
  readonly readers: SlotReader[] = []
  readonly routed = new Map<string, number>()
  readonly heard = new Map<string, Heard>()
  readonly sequences = new Map<number, number>()
  waiting: Promise<void>[] = []
  /** Uncommitted frames that a dead worker had handled come again: what was heard of each key before them. */
  #tokens = 0

  constructor(overflow: Overflow) {
    this.router = new MessageRouter({ overflow, maxMessages: 8, maxBytes: 4096, maxMessageBytes: 1000 })
    for (const each of KEYS) this.heard.set(each, { last: 0, missing: 0, queries: 0 })
  }

  async begin(placement: 'thread' | 'process'): Promise<void> {
    for (const each of SLOTS) {
      const link = this.router.addSlot(each, placement)
      this.links.push(link)
      this.readers.push(await openSlotReader(await link.open()))
    }
    for (let partition = 0; partition < PARTITIONS; partition++) this.router.assign(partition, partition % 3)
  }

  route(to: string, size: number): void {
    const number = (this.routed.get(to) ?? 0) + 1
    try {
      const waits = this.router.route(to, `${number}:${'x'.repeat(size)}`)
      if (waits !== undefined) this.waiting.push(waits)
      this.routed.set(to, number)
    } catch (error) {
      // Nobody awaits here; the message is not in.
      expect(error).toMatchObject({ code: 'QUEUE_FULL' })
    }
  }

  read(from: number, most: number): number | undefined {
    const reader = this.readers[from]!
    for (let i = 0; i < most && reader.next(); i++) {
      const token = this.#hear(reader)
      reader.commit()
      if (token !== undefined) {
        reader.flush()
        return token
      }
    }
    return undefined
  }

  async turn(): Promise<void> {
    await new Promise((resolve) => void setImmediate(resolve))
  }

  async die(which: number, isFlushed: boolean): Promise<void> {
    const reader = this.readers[which]!
    // Without the last reports of progress, what was handled would come again: that is for another test.
    if (isFlushed) reader.flush()
    this.links[which]!.detach()
    reader.flush()
    reader.close()
    this.readers[which] = await openSlotReader(await this.links[which]!.open())
  }

  async move(which: string, to: number): Promise<void> {
    const partition = partitionOf(which)
    const from = this.router.owner(partition)!
    this.router.pause(partition)
    const token = ++this.#tokens
    this.router.barrier(from, token)
    for (let found: number | undefined; found !== token;) {
      found = this.read(from, 1)
      if (found === undefined) await this.turn()
    }
    this.router.resume(partition, to)
  }

  async finish(): Promise<void> {
    for (const each of KEYS)
      if (this.router.isPaused(partitionOf(each))) this.router.resume(partitionOf(each))
    while (this.router.stats().depth > 0) {
      for (const each of SLOTS) this.read(each, 100)
      await this.turn()
    }
    await Promise.all(this.waiting)
    await this.router.settled()
  }

  #hear(reader: SlotReader): number | undefined {
    if (reader.kind === Frame.barrier) return reader.token
    const heard = this.heard.get(reader.key)!
    expect(reader.partition).toBe(partitionOf(reader.key))
    const last = this.sequences.get(reader.partition) ?? 0
    if (reader.kind === Frame.query) {
      expect(reader.sequence).toBe(last)
      // It sees everything that was routed before it: the text says how much that was.
      expect(heard.last + heard.missing).toBeGreaterThanOrEqual(Number(reader.text()))
      heard.queries++
      return undefined
    }
    expect(reader.sequence).toBe(last + 1)
    this.sequences.set(reader.partition, reader.sequence)
    if (reader.kind === Frame.gap) {
      heard.missing += reader.token
      return undefined
    }
    const number = Number(reader.text().split(':')[0])
    expect(number).toBe(heard.last + heard.missing + 1)
    heard.last = number
    heard.missing = 0
    return undefined
  }
}

let subject: Subject | undefined
afterEach(() => subject?.router.close())

const cases = (['block', 'dropNewest', 'dropOldest', 'conflate'] as const).flatMap((overflow) => [
  { overflow, placement: 'thread' as const },
  { overflow, placement: 'process' as const },
])

describe.each(cases)('with overflow $overflow, to a worker as in a $placement', ({ overflow, placement }) => {
  test('each key gets its messages in order, and each that is missing was told of before the next', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 150, size: 'max' }), async (steps) => {
        const now = new Subject(overflow)
        subject = now
        await now.begin(placement)
        let queries = 0
        for (const each of steps) {
          if (each.do === 'route') now.route(each.key, each.size)
          else if (each.do === 'read') now.read(each.slot, each.count)
          else if (each.do === 'turn') await now.turn()
          else if (each.do === 'die' && placement === 'thread') await now.die(each.slot, each.isFlushed)
          else if (each.do === 'pause') now.router.pause(partitionOf(each.key))
          else if (each.do === 'move') await now.move(each.key, each.to)
          else if (each.do === 'query') {
            now.router.query(each.key, ++queries, `${now.routed.get(each.key) ?? 0}`)
          }
        }
        await now.finish()
        for (const [name, { last, missing }] of now.heard)
          expect(last + missing).toBe(now.routed.get(name) ?? 0)
        expect([...now.heard.values()].reduce((sum, each) => sum + each.queries, 0)).toBe(queries)
        const { dropped, routed, droppedByKey } = now.router.stats()
        expect(routed).toBe([...now.routed.values()].reduce((sum, each) => sum + each, 0))
        expect([...droppedByKey.values()].reduce((sum, each) => sum + each, 0)).toBe(dropped)
        if (overflow === 'block') expect(dropped).toBe(0)
        for (const reader of now.readers) reader.close()
        now.router.close()
      }),
      { numRuns: 20 },
    )
  })
})
