import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { Frame } from '../../../src/stream/frame.ts'
import { MessageRouter } from '../../../src/stream/message-router.ts'
import { partitionOf, PARTITIONS } from '../../../src/stream/partition.ts'
import type { RouterOptions } from '../../../src/stream/router-options.ts'
import type { SlotDoor } from '../../../src/stream/slot-door.ts'
import type { SlotLink } from '../../../src/stream/slot-link.ts'
import { openSlotReader, type SlotReader } from '../../../src/stream/slot-reader.ts'
import type { Placement } from '../../../src/worker/status.ts'

const routers: MessageRouter[] = []
const readers: SlotReader[] = []
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close()
  for (const router of routers.splice(0)) router.close()
})

function newRouter(options?: RouterOptions): MessageRouter {
  const router = new MessageRouter(options)
  routers.push(router)
  return router
}

/** A router with one slot, which owns everything. */
function withSlot(options?: RouterOptions, placement: Placement = 'thread'): [MessageRouter, SlotLink] {
  const router = newRouter(options)
  const link = router.addSlot(0, placement)
  for (let partition = 0; partition < PARTITIONS; partition++) router.assign(partition, 0)
  return [router, link]
}

async function open(link: SlotLink): Promise<SlotReader> {
  const reader = await openSlotReader(await link.open())
  readers.push(reader)
  return reader
}

/** The next `count` frames, as soon as they are there: key and text, or what else it is. */
async function take(reader: SlotReader, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    if (!reader.next()) {
      await reader.wait()
      continue
    }
    const { kind, key, token } = reader
    if (kind === Frame.gap) taken.push(`${key} gap ${token}`)
    else taken.push(`${key}=${kind === Frame.bytes ? Buffer.from(reader.bytes()).toString() : reader.text()}`)
    reader.commit()
  }
  reader.flush()
  return taken
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

describe.each(['thread', 'process'] as const)('to a worker as in a %s', (placement) => {
  test('messages come as they were routed, texts and bytes, nothing and as much as is allowed', async () => {
    const [router, link] = withSlot({ maxMessageBytes: '1MiB' }, placement)
    const reader = await open(link)
    const large = 'ä'.repeat(2 ** 19)
    void router.route('a', '')
    void router.route('a', new Uint8Array(0))
    void router.route('b', Buffer.from('bytes'))
    void router.route('🔑', large)
    void router.route('c', Buffer.from('xyzunaligned').subarray(3))
    expect(await take(reader, 5)).toEqual(['a=', 'a=', 'b=bytes', `🔑=${large}`, 'c=unaligned'])
  })

  test('bytes may be written over once they were routed, also when they had to wait', async () => {
    const [router, link] = withSlot({ maxMessages: 1 }, placement)
    const reader = await open(link)
    const bytes = Buffer.from('one')
    void router.route('a', bytes)
    bytes.write('two')
    void router.route('a', bytes)
    bytes.write('!!!')
    expect(await take(reader, 2)).toEqual(['a=one', 'a=two'])
  })

  test('what a worker was not done with is where its next life begins', async () => {
    // Worker after worker dies in the midst of a batch.
    const [router, link] = withSlot({}, placement)
    for (let i = 0; i < 100; i++) void router.route('key', `${i}`)
    for (let life = 0; life < 10; life++) {
      const reader = await open(link)
      const first = life * 10
      expect(await take(reader, 10)).toEqual(Array.from({ length: 10 }, (_, i) => `key=${first + i}`))
      // Begun and not done.
      await take0(reader)
      await reported(link, 90 - first)
      link.detach()
      expect(link.committed().get(partitionOf('key'))).toBe(life === 9 ? undefined : first + 10)
      expect(link.epoch).toBe(life + 1)
    }
  })

  test('a full ring makes the router wait until there is room, and keeps the order', async () => {
    const [router, link] = withSlot({ maxMessages: 10 }, placement)
    const reader = await open(link)
    const texts = Array.from({ length: 200 }, (_, i) => `k=${i}`)
    const routed = (async () => {
      let waits = 0
      for (const text of texts) {
        const waiting = router.route('k', text.slice(2))
        if (waiting !== undefined) {
          waits++
          await waiting
        }
      }
      return waits
    })()
    expect(await take(reader, 200)).toEqual(texts)
    expect(await routed).toBeGreaterThan(10)
  })

  test('settles when the worker is done with everything that was routed before, and not sooner', async () => {
    const [router, link] = withSlot({ maxMessages: 4 }, placement)
    router.pause(partitionOf('late'))
    let isSettled = false
    for (let i = 0; i < 6; i++) void router.route(i === 2 ? 'late' : 'soon', `${i}`)
    const settled = router.settled().then(() => (isSettled = true))
    const reader = await open(link)
    await take(reader, 5)
    await turn()
    expect(isSettled).toBe(false)
    router.resume(partitionOf('late'))
    while (!reader.next()) await reader.wait()
    await turn()
    expect(isSettled).toBe(false)
    reader.commit()
    await settled
    await link.drained()
    expect(link.depth).toBe(0)
  })

  test('counts what it routes and how long that took', async () => {
    const [router, link] = withSlot({}, placement)
    const reader = await open(link)
    for (let i = 0; i < 10; i++) void router.route('k', 'x')
    expect(router.stats()).toMatchObject({ routed: 10, depth: 10, dropped: 0, latency: { count: 0 } })
    await take(reader, 10)
    await reported(link, 0)
    const { latency, slots } = router.stats()
    expect(latency.count).toBe(10)
    expect(latency.maxMs).toBeGreaterThan(0)
    expect(slots).toMatchObject([{ slot: 0, partitions: 1024, routed: 10, depth: 0, isFull: false }])
  })
})

describe('with no room left', () => {
  test('dropNewest keeps what is there, and says what is missing before the next message', async () => {
    const [router, link] = withSlot({ maxMessages: 3, overflow: 'dropNewest' })
    const told: unknown[] = []
    router.events.on('dropped', ({ key, count }) => void told.push([key, count]))
    for (const each of ['a1', 'b1', 'a2', 'a3', 'a4', 'b2']) void router.route(each[0]!, each)
    const reader = await open(link)
    expect(await take(reader, 5)).toEqual(['a=a1', 'b=b1', 'a=a2', 'a gap 2', 'b gap 1'])
    expect(told).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    void router.route('a', 'a5')
    expect(await take(reader, 1)).toEqual(['a=a5'])
    expect(Object.fromEntries(router.stats().droppedByKey)).toEqual({ a: 2, b: 1 })
  })

  test('dropOldest drops what the worker was not offered yet', async () => {
    const [router, link] = withSlot({ maxMessages: 4, overflow: 'dropOldest' })
    for (const each of ['a1', 'b1', 'a2', 'a3', 'b2', 'a4']) void router.route(each[0]!, each)
    const reader = await open(link)
    expect(await take(reader, 5)).toEqual(['a=a1', 'b=b1', 'a gap 2', 'b=b2', 'a=a4'])
  })

  test('conflate keeps the last of each key', async () => {
    const [router, link] = withSlot({ maxMessages: 4, overflow: 'conflate' })
    for (const each of ['x1', 'x2', 'a1', 'b1', 'a2', 'b2', 'a3']) void router.route(each[0]!, each)
    const reader = await open(link)
    expect(await take(reader, 6)).toEqual(['x=x1', 'x=x2', 'a gap 2', 'a=a3', 'b gap 1', 'b=b2'])
  })

  test('block refuses more when nobody waits for as much as fits', async () => {
    const [router] = withSlot({ maxMessages: 2 })
    for (let i = 0; i < 4; i++) void router.route('k', 'x')
    expect(() => router.route('k', 'x')).toThrow(/await what route\(\) returns/)
    expect(router.stats()).toMatchObject({ routed: 4, depth: 4 })
  })

  test('queries and barriers are never dropped', async () => {
    const [router, link] = withSlot({ maxMessages: 1, overflow: 'dropNewest' })
    void router.route('k', '1')
    void router.route('k', '2')
    router.query('k', 7, 'how much?')
    router.barrier(0, 8)
    router.notice(partitionOf('k'), 9, 'moved')
    const reader = await open(link)
    expect(await take(reader, 5)).toEqual(['k=1', 'k gap 1', 'k=how much?', '=', '=moved'])
    expect(reader.token).toBe(9)
  })
})

describe('refuses', () => {
  test.each([
    ['', 'expected key to be a text that is not empty, got: ""'],
    [42, 'expected key to be a text that is not empty, got: 42; use String(key)'],
    [undefined, 'expected key to be a text that is not empty, got: undefined'],
    ['ä'.repeat(33_000), 'expected key to have at most 65535 bytes in UTF-8, it has 66000'],
  ])('the key %o', (key, message) => {
    const [router] = withSlot()
    expect(() => router.route(key as string, 'x')).toThrow(message)
    expect(router.stats()).toMatchObject({ routed: 0, refused: 1 })
  })

  test('a payload that could never fit, with its size and the option', () => {
    const [router] = withSlot({ maxMessageBytes: '1MiB' })
    const message =
      'expected data of key "k" to have at most maxMessageBytes (1048576) bytes, it has 104857600'
    for (const data of ['x'.repeat(100 * 2 ** 20), Buffer.alloc(100 * 2 ** 20)]) {
      expect(() => router.route('k', data)).toThrow(message)
    }
  })

  test('a payload that is neither text nor bytes', () => {
    const [router] = withSlot()
    for (const data of [undefined, null, 7, { a: 1 }, new ArrayBuffer(4)]) {
      expect(() => router.route('k', data as never)).toThrow(/to be a text or a Uint8Array, got: /)
    }
  })

  test('options that cannot be', () => {
    expect(() => new MessageRouter({ maxMessages: 0 })).toThrow(/maxMessages/)
    expect(() => new MessageRouter({ overflow: 'dropOldset' as never })).toThrow(/did you mean 'dropOldest'/)
    expect(() => new MessageRouter({ maxMessageBytes: '1GB' })).toThrow(/maxMessageBytes/)
  })

  test('anything once it is closed; whoever waits hears of it', async () => {
    const [router, link] = withSlot({ maxMessages: 1 })
    void router.route('k', '1')
    const waiting = router.route('k', '2')
    const settled = router.settled()
    router.close()
    await expect(waiting).rejects.toMatchObject({ code: 'SHUTDOWN' })
    await expect(settled).rejects.toMatchObject({ code: 'SHUTDOWN' })
    expect(() => router.route('k', '3')).toThrow(/expected the router to be open/)
    await expect(link.open()).rejects.toThrow(/expected slot 0 to be open/)
  })

  test('to remove a slot that owns or holds something', async () => {
    const [router, link] = withSlot()
    expect(() => router.removeSlot(0)).toThrow(/owns 1024 partitions/)
    router.addSlot(1, 'thread')
    void router.route('k', 'x')
    for (let partition = 0; partition < PARTITIONS; partition++) router.assign(partition, 1)
    expect(() => router.removeSlot(0)).toThrow(/holds 1/)
    await take(await open(link), 1)
    router.removeSlot(0)
    expect(router.slots()).toEqual([1])
    expect(router.stats().routed).toBe(1)
  })
})

test('what is routed before there is a slot waits for one', async () => {
  const router = newRouter()
  void router.route('k', '1')
  expect(router.owner(partitionOf('k'))).toBeUndefined()
  const link = router.addSlot(3, 'thread')
  router.assign(partitionOf('k'), 3)
  void router.route('k', '2')
  expect(await take(await open(link), 2)).toEqual(['k=1', 'k=2'])
})

test('a key of 65,535 bytes arrives', async () => {
  const [router, link] = withSlot()
  const key = 'k'.repeat(65_535)
  void router.route(key, 'x')
  expect(await take(await open(link), 1)).toEqual([`${key}=x`])
})

test('many thousands of keys that had drops are told of by partition', async () => {
  const [router, link] = withSlot({ maxMessages: 2, overflow: 'dropNewest' })
  for (let i = 0; i < 12_002; i++) void router.route(`key-${i}`, 'x')
  const reader = await open(link)
  const missing = { byKey: 0, byPartition: 0 }
  for (let seen = 0; seen < 12_000;) {
    if (!reader.next()) {
      await reader.wait()
      continue
    }
    if (reader.kind === Frame.gap) {
      missing[reader.key === '' ? 'byPartition' : 'byKey'] += reader.token
      seen += reader.token
    }
    reader.commit()
  }
  expect(missing).toEqual({ byKey: 10_000, byPartition: 2000 })
})

describe('the socket to a worker process', () => {
  async function door(link: SlotLink): Promise<Extract<SlotDoor, { kind: 'socket' }>> {
    const opened = await link.open()
    if (opened.kind !== 'socket') throw new Error('expected a socket')
    return opened
  }

  test('is gone from the disk as soon as its worker is there, or nobody waits for it any more', async () => {
    const [, link] = withSlot({}, 'process')
    const first = await door(link)
    expect(existsSync(first.path)).toBe(true)
    readers.push(await openSlotReader(first))
    const second = await door(link)
    link.detach()
    for (const { path } of [first, second]) expect(existsSync(dirname(path))).toBe(false)
    expect(readdirSync(tmpdir())).not.toContain(dirname(second.path))
    await expect(openSlotReader(second)).rejects.toThrow()
  })

  test('takes one worker alone', async () => {
    const [router, link] = withSlot({}, 'process')
    const opened = await door(link)
    const [first, second] = [connect(opened.path), connect(opened.path)]
    const ended = await new Promise((resolve) => {
      for (const socket of [first, second]) {
        socket.on('error', () => {})
        socket.on('close', () => resolve(true))
      }
    })
    expect(ended).toBe(true)
    first.destroy()
    second.destroy()
    router.close()
  })

  test('that breaks half-way through a frame ends that life, and the next one gets the frame whole', async () => {
    const [router, link] = withSlot({ maxMessageBytes: '4MiB' }, 'process')
    const text = 'x'.repeat(3 * 2 ** 20)
    const opened = await door(link)
    const reader = await openSlotReader(opened)
    void router.route('small', '1')
    void router.route('large', text)
    expect(await take(reader, 1)).toEqual(['small=1'])
    await reported(link, 1)
    // Not all of it fits into the socket.
    expect(reader.next()).toBe(false)
    link.detach()
    while (!reader.isClosed) await reader.wait()
    expect(reader.next()).toBe(false)
    expect(await take(await open(link), 1)).toEqual([`large=${text}`])
  })
})

/** Reads one that is not committed. */
async function take0(reader: SlotReader): Promise<void> {
  if (!reader.next()) await turn()
}

async function reported(link: SlotLink, depth: number): Promise<void> {
  while (link.depth !== depth) await turn()
}
