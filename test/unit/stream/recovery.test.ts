import { describe, expect, it } from 'vitest'
import { silentLogger } from 'millhand'
import type { Grant } from '../../../src/stream/control.ts'
import type { GroupSlot } from '../../../src/stream/group-slot.ts'
import { Ownership } from '../../../src/stream/ownership.ts'
import { grantsOf } from '../../../src/stream/recovery.ts'
import { SnapshotKeeper } from '../../../src/stream/snapshot-keeper.ts'
import { memorySnapshots, type SnapshotStore } from '../../../src/stream/snapshot-store.ts'
import { BatchWriter } from '../../../src/stream/state-batch.ts'

/** A store in which an earlier run has left a state. */
function storeOfEarlierRun(): SnapshotStore {
  const store = memorySnapshots()
  const writer = new BatchWriter(5)
  writer.add('a', 9, 'state')
  void store.save('earlier', writer.take())
  void store.complete('earlier', 5, 9)
  return store
}

function recover(store: SnapshotStore): {
  keeper: SnapshotKeeper
  grant: (written: number) => Promise<Grant>
} {
  const keeper = new SnapshotKeeper(store, 'this', silentLogger)
  const ownership = new Ownership()
  ownership.own(5, 0, undefined)
  const slot = { id: 0, link: { committed: () => new Map() }, send: () => {} } as unknown as GroupSlot
  const grant = async (written: number): Promise<Grant> => {
    const [only] = await grantsOf(slot, { written: () => written }, ownership, keeper)
    return only!
  }
  return { keeper, grant }
}

describe('a life that begins with states of an earlier run', () => {
  it('tells their keys, and so does the next when nothing was saved since', async () => {
    const { grant } = recover(storeOfEarlierRun())
    expect(await grant(0)).toMatchObject({ sequence: 0, handledTo: 0, gap: 'restart' })
    expect(await grant(0)).toMatchObject({ sequence: 0, handledTo: 0, gap: 'restart' })
  })

  it('is followed by lives that need not, once the states are of this run', async () => {
    const { keeper, grant } = recover(storeOfEarlierRun())
    await grant(0)
    keeper.complete(5, 3)
    expect(await grant(3)).toMatchObject({ sequence: 3, handledTo: 3, gap: undefined })
    expect(await grant(4)).toMatchObject({ sequence: 3, handledTo: 4, gap: 'crash' })
  })
})
