import { At, type RingMemory } from './ring-memory.ts'

interface Waiter {
  readonly frames: number
  readonly reached: PromiseWithResolvers<void>
}

/** Waits for the reader of a ring to get on, without asking again and again. */
export class ProgressWatch {
  #ring: RingMemory
  #waiters: Waiter[] = []
  #isArmed = false
  #closed: Error | undefined

  constructor(ring: RingMemory) {
    this.#ring = ring
  }

  /** Resolves when the reader is done with so many frames, as the writer counts them. */
  until(frames: number): Promise<void> {
    if (this.#isReached(frames)) return Promise.resolve()
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    const reached = Promise.withResolvers<void>()
    this.#waiters.push({ frames, reached })
    this.#arm()
    return reached.promise
  }

  /** The ring goes on in other memory. */
  use(ring: RingMemory): void {
    this.#letGo()
    this.#ring = ring
    this.look()
  }

  /** Something may have changed. */
  look(): void {
    const reached = this.#waiters.filter(({ frames }) => this.#isReached(frames))
    this.#waiters = this.#waiters.filter((each) => !reached.includes(each))
    for (const each of reached) each.reached.resolve()
    if (this.#waiters.length > 0) this.#arm()
  }

  /** Whoever waits hears that nobody reads any more. */
  close(error: Error): void {
    this.#closed = error
    this.#letGo()
    for (const { reached } of this.#waiters.splice(0)) reached.reject(error)
  }

  /** What waits in a memory keeps that for ever, should nobody read it any more. */
  #letGo(): void {
    if (this.#isArmed) Atomics.notify(this.#ring.control, At.waiting)
    this.#isArmed = false
  }

  #isReached(frames: number): boolean {
    return ((Atomics.load(this.#ring.control, At.framesRead) - frames) | 0) >= 0
  }

  #arm(): void {
    const ring = this.#ring
    const { control } = ring
    const [first, ...others] = this.#waiters.map(({ frames }) => frames)
    const nearest = others.reduce((least, each) => (((each - least) | 0) < 0 ? each : least), first!)
    Atomics.store(control, At.wanted, nearest)
    Atomics.store(control, At.waiting, 1)
    // A reader that passed it before that did not see that somebody waits.
    if (this.#isReached(nearest) && Atomics.exchange(control, At.waiting, 0) === 1) {
      Atomics.notify(control, At.waiting)
      if (!this.#isArmed) queueMicrotask(() => this.look())
      return
    }
    if (this.#isArmed) return
    const woken = Atomics.waitAsync(control, At.waiting, 1)
    this.#isArmed = woken.async
    if (!woken.async) {
      queueMicrotask(() => this.look())
      return
    }
    void woken.value.then(() => {
      // Of memory that was left behind since.
      if (this.#ring !== ring) return
      this.#isArmed = false
      this.look()
    })
  }
}
