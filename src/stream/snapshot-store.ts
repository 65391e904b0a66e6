import { stateBytes, type StateBatch } from './state-batch.ts'

/** The states of a partition, as they were saved. */
export interface SavedPartition {
  /** Which run of the program they are of: sequences count within one. */
  readonly run: string
  /** All of them stand at this sequence of the partition, or later. */
  readonly sequence: number
  /** Each key at most once. */
  readonly batches: readonly StateBatch[]
}

/**
 * Where a group keeps what its workers save, so that a worker that takes the place of a dead one goes on from there.
 * Calls come in order; what is asynchronous is waited for.
 */
export interface SnapshotStore {
  /**
   * Puts the states of some keys in the place of earlier ones. An empty state: the key is gone. What there is of the
   * partition from another run is forgotten: whoever wants to keep it has loaded it.
   */
  save(run: string, batch: StateBatch): void | Promise<void>
  /** All of the partition that there was at this sequence has been saved. */
  complete(run: string, partition: number, sequence: number): void | Promise<void>
  load(partition: number): SavedPartition | undefined | Promise<SavedPartition | undefined>
  /** Forgets the partition. */
  clear(partition: number): void | Promise<void>
}

interface SavedKey {
  readonly sequence: number
  /** The state, and some room behind it. */
  readonly room: Uint8Array
  readonly length: number
  readonly timers: readonly (readonly [name: string, dueAt: number])[]
}

interface Saved {
  run: string
  sequence: number
  readonly keys: Map<string, SavedKey>
}

const BATCH_BYTES = 256 * 1024

/** Keeps states in the memory of the group: they survive their worker, not the program. */
export function memorySnapshots(): SnapshotStore {
  const partitions = new Map<number, Saved>()
  const of = (run: string, partition: number): Saved => {
    const known = partitions.get(partition)
    if (known?.run === run) return known
    const saved = { run, sequence: 0, keys: new Map<string, SavedKey>() }
    partitions.set(partition, saved)
    return saved
  }
  return {
    save(run, batch) {
      const { keys } = of(run, batch.partition)
      const timers = Map.groupBy(batch.timers, ([index]) => index)
      for (const [index, key] of batch.keys.entries()) {
        const bytes = stateBytes(batch, index)
        if (bytes.byteLength === 0) {
          keys.delete(key)
          continue
        }
        keys.set(key, {
          sequence: batch.sequences[index]!,
          room: kept(bytes, keys.get(key)?.room),
          length: bytes.byteLength,
          timers: timers.get(index)?.map(([, name, dueAt]) => [name, dueAt] as const) ?? NONE,
        })
      }
    },
    complete(run, partition, sequence) {
      of(run, partition).sequence = sequence
    },
    load(partition) {
      const saved = partitions.get(partition)
      if (saved === undefined) return undefined
      return { run: saved.run, sequence: saved.sequence, batches: batchesOf(partition, saved.keys) }
    },
    clear(partition) {
      partitions.delete(partition)
    },
  }
}

const NONE: readonly never[] = []

/**
 * A copy, since a view would keep all of the batch: in the room of the one before, where it fits, for states that are
 * saved again and again would otherwise leave as much garbage.
 */
function kept(bytes: Uint8Array, before: Uint8Array | undefined): Uint8Array {
  const size = bytes.byteLength
  const isFit = before !== undefined && before.byteLength >= size && before.byteLength <= 2 * size
  const room = isFit ? before : new Uint8Array(size + (size >> 3))
  room.set(bytes)
  return room
}

function batchesOf(partition: number, saved: ReadonlyMap<string, SavedKey>): StateBatch[] {
  const batches: StateBatch[] = []
  let [some, size]: [[string, SavedKey][], number] = [[], 0]
  const end = (): void => {
    if (some.length > 0) batches.push(batchOf(partition, some, size))
    some = []
    size = 0
  }
  for (const entry of saved) {
    some.push(entry)
    size += entry[1].length
    if (size >= BATCH_BYTES) end()
  }
  end()
  return batches
}

function batchOf(
  partition: number,
  some: readonly (readonly [string, SavedKey])[],
  size: number,
): StateBatch {
  const bytes = new Uint8Array(size)
  const ends: number[] = []
  let at = 0
  for (const [, saved] of some) {
    bytes.set(saved.room.subarray(0, saved.length), at)
    ends.push((at += saved.length))
  }
  return {
    ...{ partition, bytes, ends },
    keys: some.map(([key]) => key),
    sequences: some.map(([, { sequence }]) => sequence),
    timers: some.flatMap(([, { timers }], index) =>
      timers.map(([name, dueAt]) => [index, name, dueAt] as const),
    ),
  }
}
