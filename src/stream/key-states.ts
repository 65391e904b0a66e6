import type { Gap } from './gap.ts'

/** What is known of one key, at the worker that has it. */
export class KeyEntry<State> {
  readonly key: string
  /** Not there yet while `packed` is. */
  state: State
  /** The state as it came from elsewhere: it is made of that when it is needed first. */
  packed: Uint8Array | undefined
  /** The sequence of its partition of the last message that is in the state. */
  sequence: number
  /** The tick of its worker at which it was touched last; snapshots and copies look at that. */
  tick: number
  /** When it was used last, by the clock of the caller. */
  usedAt: number
  /** It was used since the hand of the eviction passed. */
  isUsed = true
  /** Handlers of it that run or wait for their turn: then it is neither copied nor evicted. */
  inHand = 0
  /** When its timers are due, ms since the epoch, by their name. */
  timers: Map<string, number> | undefined

  constructor(key: string, state: State, sequence: number, tick: number, usedAt: number) {
    this.key = key
    this.state = state
    this.sequence = sequence
    this.tick = tick
    this.usedAt = usedAt
  }
}

/** The keys of one partition. */
export class PartitionStates<State> {
  readonly number: number
  readonly keys: Map<string, KeyEntry<State>> = new Map()
  /** Its messages up to this one were read. */
  sequence = 0
  /** All that messages up to this one did is in the states. */
  restoredTo = 0
  /** Up to this one a message may be in the state of its key already. */
  replayUntil = 0
  /** Why messages may be missing: a key without a state is told so before its next one. */
  lost: Gap['reason'] | undefined
  /** Touched before this tick means saved. */
  savedTick = 0
  /** The store has all of it as it was at this sequence. */
  savedTo = 0
  /** How many copies of it are being made for other slots. */
  copies = 0
  /** Keys that are gone, by the tick of that; for those who save and copy. */
  readonly gone: Map<string, number> = new Map()
  /** Sequences of messages that are in hand, in their order. */
  readonly open: number[] = []

  constructor(number: number) {
    this.number = number
  }

  /** All messages up to this one are in the states. */
  get doneUpTo(): number {
    return this.open.length === 0 ? this.sequence : this.open[0]! - 1
  }

  /** Whether the states were made with this message already. */
  hasSeen(key: string, sequence: number): boolean {
    if (sequence <= this.restoredTo) return true
    const entry = this.keys.get(key)
    return entry !== undefined && sequence <= entry.sequence
  }

  close(sequence: number): void {
    const index = this.open.indexOf(sequence)
    if (index >= 0) this.open.splice(index, 1)
  }
}

/** The states of all keys of a worker, by partition. */
export class KeyStates<State> {
  readonly #partitions: (PartitionStates<State> | undefined)[] = []
  #count = 0

  /** How many keys have a state. */
  get size(): number {
    return this.#count
  }

  get(partition: number): PartitionStates<State> | undefined {
    return this.#partitions[partition]
  }

  /** The partition is this worker's from now on. */
  adopt(partition: PartitionStates<State>): void {
    this.remove(partition.number)
    this.#partitions[partition.number] = partition
    this.#count += partition.keys.size
  }

  /** The partition is not this worker's any more; its states are forgotten. */
  remove(partition: number): void {
    const removed = this.#partitions[partition]
    if (removed === undefined) return
    this.#partitions[partition] = undefined
    this.#count -= removed.keys.size
  }

  *partitions(): Generator<PartitionStates<State>> {
    for (const partition of this.#partitions) if (partition !== undefined) yield partition
  }

  put(partition: PartitionStates<State>, entry: KeyEntry<State>): void {
    this.#count++
    partition.keys.set(entry.key, entry)
    if (partition.gone.size > 0) partition.gone.delete(entry.key)
  }

  /** @param tick of now, when somebody has to hear that it is gone. */
  drop(partition: PartitionStates<State>, key: string, tick: number | undefined): void {
    if (!partition.keys.delete(key)) return
    this.#count--
    if (tick !== undefined) partition.gone.set(key, tick)
  }
}
