import { join } from 'node:path'
import type { Backend, JobState, Queue as QueueOf } from '../../src/index.ts'
import type { Run } from '../case.ts'
import type { Payload } from '../payload.ts'
import { BATCH, batches, payload, schema } from '../payload.ts'
import { memory, postgres, Queue, redis, sqlite } from '../millhand.ts'

/** Where a run keeps its jobs. */
export type Place = Pick<Run, 'folder' | 'server'>
/** Opens the store under test. */
export type OpenStore = (place: Place) => Backend

export const inMemory: OpenStore = () => memory()

export function inSqlite(durability: 'normal' | 'full'): OpenStore {
  return ({ folder }) => sqlite(join(folder, 'jobs.db'), { durability })
}

export const inRedis: OpenStore = ({ server }) => redis(server)

export const inPostgres: OpenStore = ({ server }) => postgres(server)

/** The one type of jobs in every load. */
export const JOBS = { noop: schema }
export type BenchQueue = QueueOf<typeof JOBS>

export function openQueue(open: OpenStore, place: Place): BenchQueue {
  return new Queue('bench', { backend: open(place), jobs: JOBS })
}

/** Queues of these names on one backend. */
export function openQueues(backend: Backend, names: readonly string[]): BenchQueue[] {
  return names.map((name) => new Queue(name, { backend, jobs: JOBS }))
}

type Add = (jobs: { type: 'noop'; payload: Payload }[]) => Promise<readonly { readonly status: string }[]>

/** Adds jobs `from` to `to` - 1. @throws Error when one was not added. */
export async function fill(queue: { addMany: Add }, from: number, to: number, bytes?: number): Promise<void> {
  for (const batch of batches(from, to, BATCH)) {
    const added = await queue.addMany(batch.map((n) => ({ type: 'noop', payload: payload(n, bytes) })))
    expectAdded(added)
  }
}

export function expectAdded(results: readonly { readonly status: string }[]): void {
  const refused = results.find(({ status }) => status !== 'added')
  if (refused !== undefined) throw new Error(`expected each job to be added, got: ${JSON.stringify(refused)}`)
}

/** @throws Error when the store knows of a job that is not settled, or failed. */
export async function expectEmpty(
  queue: Pick<BenchQueue, 'stats'>,
  except: readonly JobState[] = [],
): Promise<void> {
  const { counts } = await queue.stats()
  for (const [state, count] of Object.entries(counts)) {
    if (count !== 0 && !except.includes(state as JobState)) {
      throw new Error(`expected every job to be settled, got: ${count} ${state}`)
    }
  }
}
