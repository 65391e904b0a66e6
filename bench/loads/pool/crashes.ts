import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Contender } from '../../case.ts'
import { keptMiB } from '../../heap.ts'
import { silentLogger, WorkerPool } from '../../millhand.ts'
import { expectHeld, held } from '../held.ts'
import { crashPlan, type Crash } from './crash-plan.ts'
import { keepInFlight } from './in-flight.ts'
import { WORKERS } from './task-pool.ts'

/** The note of what the process kept before. */
export const HEAP_BEFORE = 'heap before'
const EVERY = 500
const FLIGHT = 1000
/** So many crashes first, for what is made once and kept. */
const WARM_UP = 4
/** For what ends by itself soon. */
const SETTLE_MS = 500
/** A task that has not settled by then hangs. */
const DEADLINE_MS = 240_000

interface Tasks {
  step(n: number, crash: Crash | undefined): number
}
type Pool = InstanceType<typeof WorkerPool<Tasks>>

/**
 * Tasks, of which one in 500 ends its thread: by how much the heap of the pool grew. A task that crashes rejects with
 * WORKER_EXITED, every other one resolves with its own number, and each is begun once. Handles, timers and listeners
 * must be those of before, first while the pool is still there, then without it.
 */
export function crashes(): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    const outside = held()
    // Shared memory: what the tasks have begun outlives their threads.
    const counts = new Int32Array(new SharedArrayBuffer(4 * jobs))
    const pool = new WorkerPool<Tasks>(new URL('crashing-tasks.mjs', import.meta.url), {
      min: WORKERS,
      max: WORKERS,
      workerData: counts.buffer,
      logger: silentLogger,
    })
    await pool.start()
    await passAll(pool, Math.min(WARM_UP * EVERY, jobs), () => {})
    await rest(pool)
    counts.fill(0)
    deliveries.expect(jobs)
    let growth = 0
    const crashedBefore = pool.stats().crashes
    const seconds = await timed(async () => {
      const before = held()
      const heap = await keptMiB()
      note(HEAP_BEFORE, heap)
      await passAll(pool, jobs, (n) => deliveries.mark(n))
      await rest(pool)
      await expectHeld(before)
      growth = (await keptMiB()) - heap
    })
    note('tasks a second', jobs / seconds)
    note('crashes', pool.stats().crashes - crashedBefore)
    await pool.close()
    await expectHeld(outside)
    expectBegunOnce(counts)
    return growth
  }
}

async function passAll(pool: Pool, jobs: number, onSettled: (n: number) => void): Promise<void> {
  const plan = crashPlan(jobs, EVERY)
  let settled = 0
  const call = async (n: number): Promise<number> => {
    const crash = plan.get(n)
    const expected = crash === undefined ? n : 'WORKER_EXITED'
    const outcome = await pool
      .run('step', [n, crash])
      .catch((error: { code?: unknown }) => error.code ?? error)
    if (outcome !== expected) {
      throw new Error(`expected task ${n} to come to ${expected}, got: ${inspect(outcome)}`, {
        cause: outcome,
      })
    }
    settled++
    return n
  }
  const deadline = new AbortController()
  const late = sleep(DEADLINE_MS, undefined, { signal: deadline.signal }).then(() => {
    throw new Error(`expected all ${jobs} tasks to settle, got: ${settled}; ${JSON.stringify(pool.stats())}`)
  })
  try {
    await Promise.race([keepInFlight(call, jobs, FLIGHT, onSettled), late])
  } finally {
    late.catch(() => {})
    deadline.abort()
  }
}

/** All workers are up again, and what ends by itself soon has ended. */
async function rest(pool: Pool): Promise<void> {
  await pool.drain()
  while (pool.stats().workers < WORKERS || pool.stats().starting > 0) await sleep(5)
  await sleep(SETTLE_MS)
}

function expectBegunOnce(counts: Int32Array): void {
  const wrong = counts.findIndex((count) => count !== 1)
  if (wrong !== -1)
    throw new Error(`expected each task to be begun once, got: task ${wrong}, ${counts[wrong]} times`)
}
