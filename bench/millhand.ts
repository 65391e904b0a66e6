/** The product, as it was compiled for this run; see places.ts. */
import { BUILD } from './places.ts'

async function load(file: string): Promise<unknown> {
  return import(new URL(file, BUILD).href)
}

export const { MetricsCollector, Queue, Server, ShutdownError, silentLogger, Worker, WorkerHandle } =
  (await load('index.js')) as typeof import('../src/index.ts')
export const { memory } = (await load('memory.js')) as typeof import('../src/backends/memory/index.ts')
export const { sqlite } = (await load('sqlite.js')) as typeof import('../src/backends/sqlite/index.ts')
export const { redis } = (await load('redis.js')) as typeof import('../src/backends/redis/index.ts')
export const { postgres } = (await load('postgres.js')) as typeof import('../src/backends/postgres/index.ts')
export const { transfer, WorkerPool } = (await load('pool.js')) as typeof import('../src/pool/index.ts')
export const { Router, TopicWorker, WorkerManager } = (await load(
  'mqtt.js',
)) as typeof import('../src/topic/mqtt/index.ts')
export const { MessageRouter, partitionOf, StreamGroup, StreamWorker } = (await load(
  'stream.js',
)) as typeof import('../src/stream/index.ts')
