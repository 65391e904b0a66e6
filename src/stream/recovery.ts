import type { Grant } from './control.ts'
import type { GroupSlot } from './group-slot.ts'
import type { MessageRouter } from './message-router.ts'
import type { Ownership } from './ownership.ts'
import type { SnapshotKeeper } from './snapshot-keeper.ts'
import type { SavedPartition } from './snapshot-store.ts'

/** Partitions that are sent without a pause. */
const STEP = 32

/**
 * Sends a new life of a slot the states that it begins with.
 * @returns what it owns, and where its states stand: before what others have handled already, something is lost.
 */
export async function grantsOf(
  slot: GroupSlot,
  router: Pick<MessageRouter, 'written'>,
  ownership: Ownership,
  keeper: SnapshotKeeper,
): Promise<Grant[]> {
  const committed = slot.link.committed()
  const grants: Grant[] = []
  let looked = 0
  for (const partition of ownership.of(slot.id)) {
    if (++looked % STEP === 0) await new Promise((resolve) => void setImmediate(resolve))
    const saved = await keeper.load(partition)
    const handledTo = committed.get(partition) ?? router.written(partition)
    const isEarlier = saved !== undefined && saved.run !== keeper.run
    const restored = isEarlier ? rebase(saved, keeper) : saved
    for (const batch of restored?.batches ?? []) slot.send({ kind: 'states', batch })
    const sequence = restored?.sequence ?? 0
    const isLost = handledTo > sequence
    if (isLost) ownership.lose(partition, 'crash')
    else if (isEarlier) ownership.lose(partition, 'restart')
    const lost = ownership.lost(partition)
    // What a key was told may have been in its state alone, and that is older.
    const isOlder = lost === 'restart' && sequence === 0
    const isToldAgain = lost === 'moved' || lost === 'lost' || isOlder
    const gap = isLost || isEarlier || isToldAgain ? lost : undefined
    grants.push({ partition, sequence, handledTo, lost, gap })
  }
  return grants
}

/** States of an earlier run stand before everything that is routed in this one. */
function rebase(saved: SavedPartition, keeper: SnapshotKeeper): SavedPartition {
  const batches = saved.batches.map((batch) => ({ ...batch, sequences: batch.sequences.map(() => 0) }))
  for (const batch of batches) keeper.save(batch)
  return { run: keeper.run, sequence: 0, batches }
}
