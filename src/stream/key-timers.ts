import { after } from '../core/timer.ts'
import type { KeyEntry, KeyStates, PartitionStates } from './key-states.ts'

interface Due {
  readonly dueAt: number
  readonly partition: number
  readonly key: string
  readonly name: string
}

/** One that is due now. */
export interface DueTimer<State> {
  readonly partition: PartitionStates<State>
  readonly entry: KeyEntry<State>
  readonly name: string
  readonly dueAt: number
}

/**
 * The timers of keys. What is set is written in the entry of the key, and travels with its state; here is only the
 * order in which they come, a binary heap in which those that were cleared or set anew are left until they come up.
 */
export class KeyTimers<State> {
  readonly #states: KeyStates<State>
  readonly #heap: Due[] = []
  readonly #onDue: () => void
  #cancel: (() => void) | undefined
  #armedFor = Infinity

  /** @param onDue called when at least one is due; then `take` gives them. */
  constructor(states: KeyStates<State>, onDue: () => void) {
    this.#states = states
    this.#onDue = onDue
  }

  set(partition: number, entry: KeyEntry<State>, name: string, dueAt: number): void {
    entry.timers ??= new Map()
    entry.timers.set(name, dueAt)
    this.#push({ dueAt, partition, key: entry.key, name })
    this.#arm()
  }

  clear(entry: KeyEntry<State>, name: string): void {
    entry.timers?.delete(name)
    if (entry.timers?.size === 0) entry.timers = undefined
  }

  /** Those of a key that came from elsewhere. */
  adopt(partition: number, entry: KeyEntry<State>): void {
    if (entry.timers === undefined) return
    for (const [name, dueAt] of entry.timers) this.#push({ dueAt, partition, key: entry.key, name })
    this.#arm()
  }

  /** The next that is due, which is to be started; until then it stays set. */
  take(now: number = Date.now()): DueTimer<State> | undefined {
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
      this.#pop()
      const partition = this.#states.get(first.partition)
      const entry = partition?.keys.get(first.key)
      if (partition === undefined || entry?.timers?.get(first.name) !== first.dueAt) continue
      return { partition, entry, name: first.name, dueAt: first.dueAt }
    }
    this.#arm()
    return undefined
  }

  /** Its time has come: it is set no longer. @returns false when it was cleared or set anew meanwhile. */
  start({ entry, name, dueAt }: DueTimer<State>): boolean {
    if (entry.timers?.get(name) !== dueAt) return false
    this.clear(entry, name)
    return true
  }

  close(): void {
    this.#cancel?.()
    this.#heap.length = 0
  }

  #arm(): void {
    const first = this.#heap[0]?.dueAt ?? Infinity
    if (first === this.#armedFor) return
    this.#cancel?.()
    this.#armedFor = first
    this.#cancel = undefined
    if (first === Infinity) return
    this.#cancel = after(Math.max(0, first - Date.now()), () => {
      this.#armedFor = Infinity
      // A wait that was cut at its longest, or a clock that was set back.
      if ((this.#heap[0]?.dueAt ?? Infinity) <= Date.now()) this.#onDue()
      else this.#arm()
    })
  }

  #push(due: Due): void {
    const heap = this.#heap
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.dueAt <= due.dueAt) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.dueAt < heap[child]!.dueAt) child++
      if (heap[child]!.dueAt >= last.dueAt) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}
