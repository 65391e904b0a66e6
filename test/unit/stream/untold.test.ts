import { afterEach, describe, expect, it } from 'vitest'
import type { FromWorkerBody } from '../../../src/stream/control.ts'
import { partitionOf } from '../../../src/stream/partition.ts'
import { BatchWriter, type StateBatch } from '../../../src/stream/state-batch.ts'
import { until } from '../../fixtures/until.ts'
import { grant, oneLife, type Heard, type OneLife } from './one-life.ts'

const started: OneLife[] = []
const partition = partitionOf('a')

function make(...args: Parameters<typeof oneLife>): OneLife {
  const one = oneLife(...args)
  started.push(one)
  return one
}

afterEach(() => {
  for (const { life } of started.splice(0)) {
    life.stop()
    life.close()
  }
})

/** Handlers that go on until it is opened; what they then write into the state is what may be lost. */
class Door {
  entered = 0
  readonly #opened = Promise.withResolvers<void>()

  readonly through = async (text: string, state: Heard): Promise<void> => {
    this.entered++
    await this.#opened.promise
    state.heard.push(text)
  }

  open(): void {
    this.#opened.resolve()
  }
}

const ticks = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve))
}

function states(key = 'a'): StateBatch {
  const writer = new BatchWriter(partitionOf(key))
  writer.add(key, 1, { heard: ['1'] })
  return writer.take()
}

/** A life that has to tell of what was lost between 1 and 3. */
function afterCrash(options: Parameters<typeof oneLife>[0]): OneLife {
  const grants = [grant(partition, { sequence: 1, handledTo: 3, lost: 'crash', gap: 'crash' })]
  const one = make({ ...options, begin: { grants } })
  one.life.hear({ stream: true, epoch: 1, kind: 'states', batch: states() })
  return one
}

/** Asks for the partition, up to the barrier. */
async function askFor({ life, frames, said }: OneLife): Promise<void> {
  life.hear({ stream: true, epoch: 1, kind: 'copy', id: 7, partition })
  await until(() => said.some(({ kind }) => kind === 'copied'))
  frames.barrier(7)
  life.wake()
  await ticks()
}

const isReleased = ({ said }: OneLife): boolean => said.some(({ kind }) => kind === 'released')

function savedTo({ said }: OneLife): number | undefined {
  const saved = said.filter((each): each is FromWorkerBody & { kind: 'saved' } => each.kind === 'saved')
  return saved.findLast((each) => each.partition === partition)?.sequence
}

function saved({ said }: OneLife): StateBatch | undefined {
  return said.findLast((each) => each.kind === 'snapshot')?.batch
}

describe('a partition whose messages are handled beside each other is not handed over before', () => {
  it('a timer has ended', async () => {
    const door = new Door()
    const one = make({
      settings: { concurrency: 3 },
      hooks: { onTimer: (_key, name, state) => door.through(`timer:${name}`, state) },
    })
    void one.run()
    one.frames.message('a', '1')
    await one.heard('a')
    one.life.setTimer('a', 'late', 1)
    await until(() => door.entered === 1)
    await askFor(one)
    expect(isReleased(one)).toBe(false)
    door.open()
    await until(() => isReleased(one))
    expect(one.said.findLast((each) => each.kind === 'states')?.batch.keys).toEqual(['a'])
  })

  it('its keys have been told of messages that are lost', async () => {
    const door = new Door()
    const one = afterCrash({
      settings: { concurrency: 3 },
      hooks: { onGap: (_key, { reason }, state) => door.through(`gap:${reason}`, state) },
    })
    void one.run()
    await until(() => door.entered === 1)
    await askFor(one)
    expect(isReleased(one)).toBe(false)
    door.open()
    await until(() => isReleased(one))
  })

  it('its keys have been told of messages that were dropped, of any of them', async () => {
    const door = new Door()
    const one = make({
      settings: { concurrency: 3 },
      hooks: { onGap: (_key, { reason }, state) => door.through(`gap:${reason}`, state) },
    })
    void one.run()
    one.frames.message('a', '1').gap('', 5, partition)
    await until(() => door.entered === 1)
    await askFor(one)
    expect(isReleased(one)).toBe(false)
    // Should it die now, the next life is to tell it.
    expect(one.frames.committed).toBe(1)
    door.open()
    await until(() => isReleased(one))
    await until(() => one.frames.committed === 3)
  })
})

describe.each([1, 3])(
  'a key whose state turns out to be broken, with a concurrency of %i,',
  (concurrency) => {
    it('is told before anything else of it is handled', async () => {
      const door = new Door()
      const one = make({
        settings: { concurrency },
        hooks: {
          onGap: (_key, { reason }, state) => door.through(`gap:${reason}`, state),
          restore: () => {
            throw new Error('broken')
          },
        },
        begin: { grants: [grant(partition, { sequence: 1, handledTo: 1 })] },
      })
      one.life.hear({ stream: true, epoch: 1, kind: 'states', batch: states() })
      void one.run()
      // The first of them is in the states.
      one.frames.message('a', '1').message('a', '2')
      await until(() => door.entered === 1)
      await ticks()
      expect(one.frames.committed).toBe(1)
      door.open()
      expect(await one.heard('a')).toEqual(['gap:restore', '2'])
    })
  },
)

describe('what a key was not told when its worker stops', () => {
  it('is not saved as told: the states stand where they stood', async () => {
    const one = afterCrash({})
    one.life.stop()
    await one.run()
    expect(savedTo(one)).toBeUndefined()
  })

  it('is not saved as told by a life that goes on, either', async () => {
    const door = new Door()
    const one = afterCrash({
      settings: { snapshotEveryMs: 10 },
      hooks: { onGap: (_key, { reason }, state) => door.through(`gap:${reason}`, state) },
    })
    void one.run()
    await until(() => door.entered === 1)
    await new Promise((resolve) => void setTimeout(resolve, 50))
    expect(savedTo(one)).toBeUndefined()
    door.open()
    await until(() => savedTo(one) === 3)
  })

  it('since its state cannot be restored, is told by the next', async () => {
    const writer = new BatchWriter(partition)
    writer.addFailed('a', 1)
    const failed = writer.take()
    const options = { begin: { grants: [grant(partition, { sequence: 1, handledTo: 1 })] } }
    const first = make(options)
    first.life.hear({ stream: true, epoch: 1, kind: 'states', batch: failed })
    first.life.stop()
    await first.run()
    const second = make(options)
    second.life.hear({ stream: true, epoch: 1, kind: 'states', batch: saved(first) ?? failed })
    void second.run()
    expect(await second.heard('a')).toEqual(['gap:restore'])
  })

  it('of messages of any key that were dropped, is left in the ring', async () => {
    const door = new Door()
    const one = make({
      settings: { concurrency: 3 },
      hooks: { process: (message, state) => door.through(message.text(), state) },
    })
    const ended = one.run()
    one.frames.message('a', '1').gap('', 5, partition)
    await until(() => door.entered === 1)
    await ticks()
    one.life.stop()
    door.open()
    await ended
    expect(one.frames.committed).toBe(1)
    expect(savedTo(one)).toBe(1)
  })

  it('a timer that waits for its turn stays set', async () => {
    const door = new Door()
    const one = make({
      settings: { concurrency: 3 },
      hooks: { process: (message, state) => door.through(message.text(), state) },
    })
    const ended = one.run()
    one.frames.message('a', '1')
    await until(() => door.entered === 1)
    one.life.setTimer('a', 'late', 1)
    await new Promise((resolve) => void setTimeout(resolve, 20))
    await ticks()
    one.life.stop()
    door.open()
    await ended
    expect(saved(one)?.timers.map(([, name]) => name)).toEqual(['late'])
    expect(one.life.stats().timers).toBe(0)
  })
})
