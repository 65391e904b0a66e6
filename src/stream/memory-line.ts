import { At, RingMemory } from './ring-memory.ts'
import type { MemoryDoor } from './slot-door.ts'
import type { ReaderLine } from './reader-line.ts'

/** Reads the ring that its writer writes: in another thread, or in this one. */
export class MemoryLine implements ReaderLine {
  readonly ring: RingMemory
  #isClosed = false

  constructor({ memory }: Pick<MemoryDoor, 'memory'>) {
    this.ring = new RingMemory(memory)
  }

  /** Memory has no other side that could go away unheard. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  async sleep(seen: number): Promise<void> {
    const { control } = this.ring
    Atomics.store(control, At.sleeping, 1)
    // Whoever wrote before that did not see that somebody sleeps.
    if (this.#isClosed || Atomics.load(control, At.written) !== seen) {
      Atomics.store(control, At.sleeping, 0)
      return
    }
    const woken = Atomics.waitAsync(control, At.sleeping, 1)
    if (woken.async) await woken.value
  }

  wake(): void {
    const { control } = this.ring
    if (Atomics.exchange(control, At.sleeping, 0) === 1) Atomics.notify(control, At.sleeping)
  }

  onProgress(frames: number, latency: number): void {
    const { control } = this.ring
    const counts = this.ring.latency
    Atomics.store(counts, latency, counts[latency]! + frames)
    if (Atomics.load(control, At.waiting) === 0) return
    const framesRead = Atomics.load(control, At.framesRead)
    if (((framesRead - Atomics.load(control, At.wanted)) | 0) < 0) return
    if (Atomics.exchange(control, At.waiting, 0) === 1) Atomics.notify(control, At.waiting)
  }

  close(): void {
    this.#isClosed = true
    this.wake()
  }
}
