import type { RingMemory } from './ring-memory.ts'

/** How a reader sleeps, and how the writer hears of its progress. */
export interface ReaderLine {
  readonly ring: RingMemory
  /** The other side is gone. */
  readonly isClosed: boolean
  /** Resolves when more was written than `seen`, or `wake` was called. */
  sleep(seen: number): Promise<void>
  wake(): void
  /** `ring.control` has the progress. @param latency of the last frame, by `latencyBucket`. */
  onProgress(frames: number, latency: number): void
  close(): void
}
