import { afterEach, describe, expect, it } from 'vitest'
import { partitionOf } from '../../../src/stream/partition.ts'
import { BatchWriter } from '../../../src/stream/state-batch.ts'
import type { StreamMessage } from '../../../src/stream/stream-message.ts'
import { until } from '../../fixtures/until.ts'
import { grant, oneLife, type Heard, type OneLife } from './one-life.ts'

const started: OneLife[] = []

function begin(...args: Parameters<typeof oneLife>): OneLife & { ended: Promise<void> } {
  const one = oneLife(...args)
  started.push(one)
  return { ...one, ended: one.run() }
}

afterEach(() => {
  for (const { life } of started.splice(0)) {
    life.stop()
    life.close()
  }
})

/** A promise for each message, to be settled by hand. */
class Doors {
  readonly entered: string[] = []
  readonly #doors = new Map<string, PromiseWithResolvers<void>>()

  readonly process = async (message: { text(): string }, state: Heard): Promise<void> => {
    const text = message.text()
    this.entered.push(text)
    const door = Promise.withResolvers<void>()
    this.#doors.set(text, door)
    await door.promise
    state.heard.push(text)
  }

  open(text: string): void {
    this.#doors.get(text)!.resolve()
  }
}

describe('a life of a stream worker', () => {
  it('handles the messages of each key in order and commits each', async () => {
    const { frames, heard } = begin()
    frames.message('a', '1').message('b', '1').message('a', '2')
    expect(await heard('a')).toEqual(['1', '2'])
    expect(await heard('b')).toEqual(['1'])
    expect(frames.committed).toBe(5)
  })

  it('counts a handler that throws, says so, and goes on with the next message', async () => {
    const { frames, heard, errors, life } = begin({
      hooks: {
        process: (message, state) => {
          if (message.text() === 'bad') throw new Error('on purpose')
          state.heard.push(message.text())
        },
      },
    })
    for (let i = 0; i < 10; i++) frames.message('a', String(i)).message('a', 'bad')
    expect(await heard('a')).toHaveLength(10)
    expect(life.stats()).toMatchObject({ messagesProcessed: 10, errors: 10 })
    // The first is told at once; of the others only their number.
    expect(errors.map(({ message }) => message)).toEqual(['on purpose'])
  })

  it('counts a key whose state cannot be made, and goes on', async () => {
    const { frames, heard, life } = begin({
      hooks: {
        init: (key) => {
          if (key === 'bad') throw new Error('no state')
          return { heard: [] }
        },
      },
    })
    frames.message('bad', '1').message('good', '1')
    expect(await heard('good')).toEqual(['1'])
    expect(life.stats()).toMatchObject({ messagesProcessed: 1, errors: 1, keys: 1 })
  })

  it('with a concurrency of 1 waits for a handler before it reads on', async () => {
    const doors = new Doors()
    const { frames } = begin({ hooks: { process: doors.process } })
    frames.message('a', 'a1').message('b', 'b1')
    await until(() => doors.entered.length === 1)
    doors.open('a1')
    await until(() => doors.entered.length === 2)
    expect(frames.committed).toBe(1)
  })

  it('with more handles different keys beside each other, and never two messages of one', async () => {
    const doors = new Doors()
    const { frames, heard } = begin({ hooks: { process: doors.process }, settings: { concurrency: 3 } })
    frames.message('a', 'a1').message('a', 'a2').message('b', 'b1')
    await until(() => doors.entered.length === 2)
    expect(doors.entered).toEqual(['a1', 'b1'])
    doors.open('b1')
    await until(async () => (await heard('b')) !== undefined)
    // What is behind a message that is in hand stays for the next life.
    expect(frames.committed).toBe(0)
    doors.open('a1')
    await until(() => doors.entered.includes('a2'))
    doors.open('a2')
    expect(await heard('a')).toEqual(['a1', 'a2'])
    expect(frames.committed).toBeGreaterThanOrEqual(4)
  })

  it('gives up a handler that never ends, tells it so, and handles the next message of the key', async () => {
    const aborted: boolean[] = []
    const { frames, heard, errors, life } = begin({
      settings: { timeoutMs: 20 },
      hooks: {
        process: (message, state) => {
          if (message.text() !== 'stuck') return void state.heard.push(message.text())
          message.signal.addEventListener('abort', () => aborted.push(true))
          return new Promise(() => {})
        },
      },
    })
    frames.message('a', 'stuck').message('a', 'next')
    expect(await heard('a')).toEqual(['next'])
    expect(aborted).toEqual([true])
    expect(errors[0]).toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(life.stats()).toMatchObject({ messagesProcessed: 1, errors: 1 })
  })

  it('gives what there is to read to processBatch, with the state of each message', async () => {
    const batches: string[][] = []
    const { frames, heard, life } = begin({
      settings: { batchSize: 3 },
      hooks: {
        processBatch: (messages, states) => {
          batches.push(messages.map((message) => message.text()))
          for (const [index, message] of messages.entries()) states[index]!.heard.push(message.text())
        },
      },
    })
    frames.message('a', '1').message('b', '2').message('a', '3').message('a', '4')
    expect(await heard('a')).toEqual(['1', '3', '4'])
    expect(batches).toEqual([['1', '2', '3'], ['4']])
    expect(life.stats().messagesProcessed).toBe(4)
    expect(frames.committed).toBe(5)
  })

  it('tells a key of dropped messages in their place', async () => {
    const { frames, heard } = begin()
    frames.message('a', '1').gap('a', 2).message('a', '4')
    expect(await heard('a')).toEqual(['1', 'gap:dropped', '4'])
  })

  it('answers with an error what its query throws, or cannot copy', async () => {
    const { heard } = begin({
      hooks: {
        query: () => {
          throw new Error('no answer')
        },
      },
    })
    expect(await heard('a')).toMatchObject({ error: { message: 'no answer' } })
  })

  it('says of a key of a partition that it does not have that the key has moved, and skips its messages', async () => {
    const { frames, heard, life } = begin({ begin: { grants: [grant(partitionOf('mine'))] } })
    frames.message('other', '1').message('mine', '1')
    expect(await heard('other')).toEqual({ hasMoved: true })
    expect(await heard('mine')).toEqual(['1'])
    expect(life.stats().messagesProcessed).toBe(1)
  })

  it('goes on from saved states: skips what is in them, and tells of a gap what is lost', async () => {
    const partition = partitionOf('a')
    const writer = new BatchWriter(partition)
    writer.add('a', 2, { heard: ['1', '2'] })
    const one = oneLife({
      begin: { grants: [grant(partition, { sequence: 1, handledTo: 3, lost: 'crash', gap: 'crash' })] },
    })
    started.push(one)
    one.life.hear({ stream: true, epoch: 1, kind: 'states', batch: writer.take() })
    const ended = one.run()
    for (const text of ['1', '2', '3', '4']) one.frames.message('a', text)
    expect(await one.heard('a')).toEqual(['1', '2', 'gap:crash', '3', '4'])
    // A key that had no state then may have had messages, too.
    one.frames.message('unknown', 'x', partition)
    await until(() => one.life.stats().gaps === 2)
    one.life.stop()
    await ended
  })

  it('hands a partition over: what changed since the copy comes behind the barrier, and all of it until then', async () => {
    const doors = new Doors()
    const { frames, life, said } = begin({ hooks: { process: doors.process }, settings: { concurrency: 2 } })
    frames.message('a', '1')
    await until(() => doors.entered.length === 1)
    life.hear({ stream: true, epoch: 1, kind: 'copy', id: 7, partition: partitionOf('a') })
    await until(() => said.some(({ kind }) => kind === 'copied'))
    frames.barrier(7)
    life.wake()
    await new Promise((resolve) => void setImmediate(resolve))
    // The message is in hand still.
    expect(said.some(({ kind }) => kind === 'released')).toBe(false)
    doors.open('1')
    const released = await until(() => said.find(({ kind }) => kind === 'released'))
    expect(released).toMatchObject({ id: 7, sequence: 1, lost: undefined })
    const batches = said.filter((each) => each.kind === 'states')
    expect(batches.at(-1)?.batch.keys).toEqual(['a'])
    expect(frames.committed).toBe(2)
  })

  it('runs timers of a key in order with its messages, and forgets them with the key', async () => {
    const { frames, heard, life } = begin()
    frames.message('a', '1').message('b', '1')
    await heard('a')
    life.setTimer('a', 'soon', 5)
    life.setTimer('b', 'never', 5)
    life.clearTimer('b', 'never')
    await until(async () => ((await heard('a')) as string[]).includes('timer:soon'))
    expect(await heard('b')).toEqual(['1'])
    expect(life.setTimer('nobody', 'x', 5)).toBe(false)
  })

  it('keeps no more keys than it may, and throws away those that were not used for long', async () => {
    const evicted: string[] = []
    const { frames, heard, life } = begin({
      settings: { maxKeys: 10 },
      hooks: { onEvict: (key) => void evicted.push(key) },
    })
    for (let i = 0; i < 100; i++) frames.message('often', 'x').message(`key-${i}`, 'x')
    expect(await heard('often')).toHaveLength(100)
    expect(life.stats()).toMatchObject({ keys: 10, evicted: 91 })
    expect(evicted).not.toContain('often')
  })

  it('throws away keys that are idle', async () => {
    const { frames, heard, life } = begin({ settings: { evictAfterMs: 30 } })
    frames.message('a', '1')
    await heard('a')
    await until(() => life.stats().evicted === 1)
    expect(await heard('a')).toBeUndefined()
  })

  it('does not commit a message before what it emitted has been taken', async () => {
    const one = begin({ hooks: { process: (message) => one.life.outlet.emit('out', message.key, 1) } })
    one.frames.message('a', '1').message('b', '2')
    await until(() => one.life.stats().messagesProcessed === 2)
    await until(() => one.said.some(({ kind }) => kind === 'emit'))
    expect(one.frames.committed).toBe(0)
    one.life.hear({ stream: true, epoch: 1, kind: 'emitted', count: 1 })
    expect(one.frames.committed).toBe(1)
    one.life.hear({ stream: true, epoch: 1, kind: 'emitted', count: 2 })
    expect(one.frames.committed).toBe(2)
  })

  it('refuses to emit to an output that the group does not have', () => {
    const { life } = begin()
    expect(() => life.outlet.emit('outt', 'a', 1)).toThrow(/expected output to be one of.*did you mean "out"/)
  })

  it('at its end finishes what it has in hand, saves all that has changed, and leaves the rest', async () => {
    const doors = new Doors()
    const { frames, life, said, ended } = begin({ hooks: { process: doors.process } })
    frames.message('a', '1').message('a', '2')
    await until(() => doors.entered.length === 1)
    life.stop()
    doors.open('1')
    await ended
    expect(frames.committed).toBe(1)
    expect(said.find((each) => each.kind === 'snapshot')?.batch).toMatchObject({
      keys: ['a'],
      sequences: [1],
    })
    expect(said.find((each) => each.kind === 'saved')).toMatchObject({
      partition: partitionOf('a'),
      sequence: 1,
    })
  })

  it('skips the message that its predecessors died of, and tells its key', async () => {
    const one = oneLife({ begin: { isPoisoned: true } })
    started.push(one)
    one.frames.message('a', 'poison').message('a', '2')
    const ended = one.run()
    expect(await one.heard('a')).toEqual(['gap:poison', '2'])
    one.life.stop()
    await ended
  })

  it('lets others have their turn although its handlers never wait for anything', async () => {
    const { frames, life } = begin({ hooks: { process: async () => {} } })
    for (let i = 0; i < 200_000; i++) frames.message('a', 'x')
    const before = life.stats().messagesProcessed
    await new Promise((resolve) => void setTimeout(resolve, 1))
    const { messagesProcessed } = life.stats()
    expect(messagesProcessed).toBeGreaterThan(before)
    expect(messagesProcessed).toBeLessThan(200_000)
  })

  describe('with the mark of a grant in its ring', () => {
    const number = partitionOf('a')
    const others = grant(number === 0 ? 1 : 0)
    const given = {
      stream: true,
      epoch: 1,
      kind: 'grant',
      id: 7,
      grant: grant(number),
      isMarked: true,
    } as const

    it('waits there for the grant, and goes on with what follows', async () => {
      const { frames, life, said, heard } = begin({ begin: { grants: [others] } })
      frames.mark(number, 7, 1).message('a', '1')
      frames.wake()
      await until(() => said.some(({ kind }) => kind === 'begun'))
      await new Promise((resolve) => void setTimeout(resolve, 5))
      expect(frames.committed).toBe(0)
      life.hear(given)
      expect(await heard('a')).toEqual(['1'])
      expect(said.filter(({ kind }) => kind === 'granted')).toHaveLength(1)
    })

    it('does not wait for one that has come before', async () => {
      const { frames, life, heard } = begin({ begin: { grants: [others] } })
      life.hear(given)
      frames.mark(number, 7, 1).message('a', '1')
      expect(await heard('a')).toEqual(['1'])
    })

    it('passes one of an earlier life', async () => {
      const { frames, heard } = begin({ begin: { grants: [grant(number)] } })
      frames.mark(number, 7, 0).message('a', '1')
      expect(await heard('a')).toEqual(['1'])
    })

    it('ends all the same when it is asked to, and leaves it to the next', async () => {
      const { frames, life, said, ended } = begin({ begin: { grants: [others] } })
      frames.mark(number, 7, 1).message('a', '1')
      frames.wake()
      await until(() => said.some(({ kind }) => kind === 'begun'))
      life.stop()
      await ended
      expect(frames.committed).toBe(0)
    })
  })
})

describe('after a crash', () => {
  it('messages are handled one at a time until the suspicious ones are done, so that no neighbour is blamed', async () => {
    const ends = new Map<string, () => void>()
    const process = (message: StreamMessage): Promise<void> =>
      new Promise((resolve) => void ends.set(message.key, resolve))
    const { frames, life, ended } = begin({
      hooks: { process },
      settings: { concurrency: 4 },
      begin: { careful: 2 },
    })
    for (const key of ['a', 'b', 'c', 'd']) frames.message(key, '1')
    await until(() => ends.has('a'))
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => void setImmediate(resolve))
    expect([...ends.keys()]).toEqual(['a'])
    ends.get('a')!()
    await until(() => ends.has('b'))
    expect([...ends.keys()]).toEqual(['a', 'b'])
    ends.get('b')!()
    await until(() => ends.size === 4)
    for (const end of ends.values()) end()
    life.stop()
    await ended
  })
})
