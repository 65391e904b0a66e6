/** The same handler on the event loop and in threads, which import this file too. */
import type { BenchQueue } from '../store.ts'
import { memory, Queue, silentLogger } from '../../millhand.ts'
import { JOBS } from '../store.ts'
import { WORKERS } from './task-pool.ts'

export const queue: BenchQueue = new Queue('bench', { backend: memory(), jobs: JOBS })

const noop = async (): Promise<void> => {}
const options = { concurrency: 100, logger: silentLogger }

export const inline = queue.worker({ noop }, { ...options, name: 'inline' })
export const thread = queue.worker(
  { noop },
  { ...options, name: 'thread', placement: 'thread', workers: WORKERS, module: import.meta.url },
)
