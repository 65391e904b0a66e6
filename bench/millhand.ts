/** The product, as it was compiled for this run; see places.ts. */
import { BUILD } from './places.ts'

async function load(file: string): Promise<unknown> {
  return import(new URL(file, BUILD).href)
}

export const { MetricsCollector, Queue, Server, ShutdownError, silentLogger, Worker, WorkerHandle } =
  (await load('index.js')) as typeof import('../src/index.ts')
export const { memory } = (await load(
  'backends/memory/index.js',
)) as typeof import('../src/backends/memory/index.ts')
export const { sqlite } = (await load(
  'backends/sqlite/index.js',
)) as typeof import('../src/backends/sqlite/index.ts')
