import type { KeyEntry, KeyStates, PartitionStates } from './key-states.ts'

export interface EvictionOptions {
  /** More keys are not kept: those that were not used for long go first. */
  readonly maxKeys: number
  /** A key that was not used for so long is not kept, ms; Infinity for ever. */
  readonly idleMs: number
}

/** How often the hand may pass a key that cannot go, before it gives up for this time. */
const MAX_LOOKS = 10_000
/** Keys that are looked at in one step of the search for idle ones. */
const IDLE_STEP = 256

/**
 * Says which keys are to go. A hand goes round over all keys (the CLOCK algorithm): one that was used since the hand
 * passed it last is spared once, so what it takes was not used for about one round.
 */
export class Eviction<State> {
  readonly #states: KeyStates<State>
  readonly #options: EvictionOptions
  readonly #evict: (partition: PartitionStates<State>, entry: KeyEntry<State>) => void
  #hand: Iterator<[PartitionStates<State>, KeyEntry<State>], void> | undefined

  constructor(
    states: KeyStates<State>,
    options: EvictionOptions,
    evict: (partition: PartitionStates<State>, entry: KeyEntry<State>) => void,
  ) {
    this.#states = states
    this.#options = options
    this.#evict = evict
  }

  /** Makes room when there are too many; to be called when a key was added. */
  makeRoom(): void {
    const { maxKeys } = this.#options
    for (let looks = 0; this.#states.size > maxKeys && looks < MAX_LOOKS; looks++) {
      const at = this.#next()
      if (at === undefined) continue
      const [partition, entry] = at
      if (entry.inHand > 0) continue
      if (entry.isUsed) entry.isUsed = false
      else this.#evict(partition, entry)
    }
  }

  /** Looks at some keys, and takes those that are idle; to be called now and then, so often that it comes round in time. */
  takeIdle(now: number): void {
    const { idleMs } = this.#options
    if (idleMs === Infinity) return
    // All of them within a quarter of the time, when it is called every `idleStepMs`.
    const looks = Math.min(this.#states.size, Math.max(IDLE_STEP, Math.ceil(this.#states.size / 64)))
    for (let look = 0; look < looks; look++) {
      const at = this.#next()
      if (at === undefined) continue
      const [partition, entry] = at
      if (entry.inHand === 0 && now - entry.usedAt >= idleMs) this.#evict(partition, entry)
    }
  }

  /** How often to call `takeIdle`, ms. */
  get idleStepMs(): number {
    return Math.min(1000, Math.max(10, this.#options.idleMs / 256))
  }

  #next(): [PartitionStates<State>, KeyEntry<State>] | undefined {
    this.#hand ??= entriesOf(this.#states)
    const next = this.#hand.next()
    if (next.done !== true) return next.value
    this.#hand = undefined
    return undefined
  }
}

/** Keys that come or go meanwhile do not disturb it. */
function* entriesOf<State>(
  states: KeyStates<State>,
): Generator<[PartitionStates<State>, KeyEntry<State>], void> {
  for (const partition of states.partitions()) {
    for (const entry of partition.keys.values()) yield [partition, entry]
  }
}
