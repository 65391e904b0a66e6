import { describe, expect, it } from 'vitest'
import { SnapshotKeeper } from '../../../src/stream/snapshot-keeper.ts'
import { memorySnapshots, type SnapshotStore } from '../../../src/stream/snapshot-store.ts'
import { BatchWriter, readState, stateBytes, type StateBatch } from '../../../src/stream/state-batch.ts'
import { captureLogger } from 'millhand/testing'

function batch(states: Record<string, unknown>, sequence: number): StateBatch {
  const writer = new BatchWriter(3)
  for (const [key, state] of Object.entries(states)) writer.add(key, sequence, state)
  return writer.take()
}

function statesOf(batches: readonly StateBatch[]): Record<string, unknown> {
  return Object.fromEntries(
    batches.flatMap((each) => each.keys.map((key, index) => [key, readState(stateBytes(each, index))])),
  )
}

describe('a batch of states', () => {
  it('brings back texts, bytes and whatever structured clone takes', () => {
    const states = {
      text: 'grüße \u{1F600}',
      empty: '',
      bytes: new Uint8Array([1, 2, 3]),
      map: new Map([['a', { n: 1n }]]),
      nothing: null,
    }
    expect(statesOf([batch(states, 1)])).toEqual(states)
  })

  it('grows as far as it must, and begins anew when it was taken', () => {
    const writer = new BatchWriter(3)
    writer.add('large', 1, 'x'.repeat(100_000))
    expect(statesOf([writer.take()])).toEqual({ large: 'x'.repeat(100_000) })
    expect(writer.take()).toMatchObject({ keys: [], ends: [] })
  })

  it('adds nothing of a state that cannot be copied', () => {
    const writer = new BatchWriter(3)
    writer.add('a', 1, { a: 1 })
    expect(() => writer.add('b', 1, { run: () => {} })).toThrow(/could not be cloned/)
    writer.addFailed('b', 1)
    const written = writer.take()
    expect(readState(stateBytes(written, 0))).toEqual({ a: 1 })
    expect(() => readState(stateBytes(written, 1))).toThrow(/could not be written/)
  })
})

describe('snapshots in memory', () => {
  it('keep the last state of each key, its timers too, and forget keys that are gone', () => {
    const store = memorySnapshots()
    void store.save('run', batch({ a: 1, b: 1 }, 5))
    const writer = new BatchWriter(3)
    writer.add('a', 9, 2, new Map([['soon', 1234]]))
    writer.add('b', 9, undefined)
    void store.save('run', writer.take())
    void store.complete('run', 3, 8)
    const saved = store.load(3)
    expect(saved).toMatchObject({ run: 'run', sequence: 8, batches: [{ keys: ['a'], sequences: [9] }] })
    expect(saved).toMatchObject({ batches: [{ timers: [[0, 'soon', 1234]] }] })
    expect(store.load(4)).toBeUndefined()
  })

  it('of another run are not mixed with those of this one', () => {
    const store = memorySnapshots()
    void store.save('first', batch({ a: 1, b: 1 }, 5))
    void store.save('second', batch({ a: 2 }, 1))
    expect(store.load(3)).toMatchObject({ run: 'second', sequence: 0, batches: [{ keys: ['a'] }] })
  })
})

describe('who keeps snapshots', () => {
  it('writes to a slow store in order, and reads behind that', async () => {
    const inner = memorySnapshots()
    const store: SnapshotStore = {
      ...inner,
      save: async (run, each) => {
        await new Promise((resolve) => void setTimeout(resolve, each.keys[0] === 'a' ? 20 : 1))
        await inner.save(run, each)
      },
    }
    const keeper = new SnapshotKeeper(store, 'run', captureLogger())
    keeper.save(batch({ a: 1 }, 1))
    keeper.save(batch({ b: 1 }, 2))
    keeper.complete(3, 2)
    expect(await keeper.load(3)).toMatchObject({ sequence: 2, batches: [{ keys: ['a', 'b'] }] })
  })

  it('does not call complete what could not be written: its keys are told of a gap then', async () => {
    const logger = captureLogger()
    const inner = memorySnapshots()
    const store: SnapshotStore = { ...inner, save: () => Promise.reject(new Error('disk full')) }
    const keeper = new SnapshotKeeper(store, 'run', logger)
    keeper.save(batch({ a: 1 }, 1))
    keeper.complete(3, 1)
    await keeper.settled()
    expect(inner.load(3)).toBeUndefined()
    expect(logger.messages('error')).toHaveLength(1)
  })
})
