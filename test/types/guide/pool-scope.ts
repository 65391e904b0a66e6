/** What the samples about pools use: a pool of a module with these functions. */
import type { TaskContext, WorkerPool } from 'millhand/pool'

interface Images {
  resize(this: TaskContext, path: string, width: number): Promise<Uint8Array<ArrayBuffer>>
  blur(pixels: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
  colours(path: string): AsyncGenerator<{ name: string; share: number }>
}

declare global {
  const images: WorkerPool<Images>
  const paths: string[]
}
