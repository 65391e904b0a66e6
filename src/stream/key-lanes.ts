import type { KeyEntry } from './key-states.ts'

/** A step of one key. Undefined when it is done, else a promise that never rejects. */
export type Step = () => Promise<void> | undefined

/** So many steps wait at most for others of their key, before nothing more is read. */
const MAX_WAITING = 1000

/** Steps of different keys run beside each other; those of one key take turns. */
export class KeyLanes {
  readonly #concurrency: number
  readonly #waiting = new Map<KeyEntry<unknown>, Step[]>()
  #isNarrow = false
  #running = 0
  #parked = 0
  #room: PromiseWithResolvers<void> | undefined

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** Steps that run or wait. */
  get size(): number {
    return this.#running + this.#parked
  }

  get isFull(): boolean {
    return this.#running >= (this.#isNarrow ? 1 : this.#concurrency) || this.#parked >= MAX_WAITING
  }

  /** One step at a time, or as many as there may be again. */
  narrow(isNarrow: boolean): void {
    this.#isNarrow = isNarrow
  }

  run(entry: KeyEntry<unknown>, step: Step): void {
    if (entry.inHand++ === 0) return this.#go(entry, step)
    const waiting = this.#waiting.get(entry)
    if (waiting === undefined) this.#waiting.set(entry, [step])
    else waiting.push(step)
    this.#parked++
  }

  /** A step of a key that nobody else has in hand has begun already. */
  begun(entry: KeyEntry<unknown>, pending: Promise<void>): void {
    entry.inHand++
    this.#await(entry, pending)
  }

  /** Resolves when something has ended; at once when it is not full. */
  room(): Promise<void> {
    return this.isFull ? this.nextEnd() : Promise.resolve()
  }

  /** Resolves when the next step has ended. */
  nextEnd(): Promise<void> {
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Forgets those that wait. */
  clear(): void {
    for (const [entry, waiting] of this.#waiting) entry.inHand -= waiting.length
    this.#waiting.clear()
    this.#parked = 0
  }

  #go(entry: KeyEntry<unknown>, first: Step): void {
    for (let step: Step | undefined = first; step !== undefined; step = this.#next(entry)) {
      const pending = step()
      if (pending !== undefined) return this.#await(entry, pending)
      entry.inHand--
    }
  }

  #await(entry: KeyEntry<unknown>, pending: Promise<void>): void {
    this.#running++
    void pending.then(() => {
      this.#running--
      entry.inHand--
      const next = this.#next(entry)
      if (next !== undefined) this.#go(entry, next)
      // One that waits is told when it has its place.
      this.#room?.resolve()
      this.#room = undefined
    })
  }

  #next(entry: KeyEntry<unknown>): Step | undefined {
    const waiting = this.#waiting.get(entry)
    const next = waiting?.shift()
    if (next === undefined) {
      this.#waiting.delete(entry)
      return undefined
    }
    this.#parked--
    return next
  }
}
