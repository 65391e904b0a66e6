/**
 * plainjob on better-sqlite3, tuned: its logger silent (it writes four lines a job otherwise), its worker asking
 * every millisecond when it found nothing, not every second. One worker: it works on one job at a time, and ten
 * or a hundred of them in a process are no faster, since every call to SQLite holds the process anyway.
 */
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { better, defineQueue, defineWorker, JobStatus, type Job, type Queue } from 'plainjob'
import { openLoop } from '../arrivals.ts'
import type { Contender } from '../case.ts'
import { ADDER, noteLatencies, PER_SECOND } from '../loads/latency.ts'
import { batches, payload, type Payload } from '../payload.ts'
import { percentile } from '../statistics.ts'

const logger = { error: console.error, warn() {}, info() {}, debug() {} }

/** plainjob sets WAL with `synchronous = NORMAL`; `full` sets the durability of the other side on its connection. */
function open(folder: string, durability: 'normal' | 'full' = 'normal'): Queue {
  const connection = better(new BetterSqlite3(join(folder, 'jobs.db')))
  const queue = defineQueue({ connection, logger })
  if (durability === 'full') connection.pragma('synchronous = FULL')
  return queue
}

function worker(queue: Queue, process: (job: Payload) => void, onCompleted: () => void) {
  const work = async ({ data }: Job): Promise<void> => process(JSON.parse(data) as Payload)
  return defineWorker('noop', work, { queue, logger, pollIntervall: 1, onCompleted })
}

export const processAll: Contender = async ({ jobs, folder, deliveries, timed }) => {
  const queue = open(folder)
  deliveries.expect(jobs)
  for (const batch of batches(0, jobs))
    queue.addMany(
      'noop',
      batch.map((n) => payload(n)),
    )
  const all = Promise.withResolvers<void>()
  let completed = 0
  const working = worker(
    queue,
    ({ n }) => deliveries.mark(n),
    // Called when the job is marked as done in the store.
    () => {
      if (++completed === jobs) all.resolve()
    },
  )
  const seconds = await timed(async () => {
    working.start().catch(all.reject)
    await all.promise
    await working.stop()
  })
  const unfinished = jobs - queue.countJobs({ status: JobStatus.Done })
  if (unfinished > 0) throw new Error(`expected every job to be done, got: ${unfinished} unfinished`)
  queue.close()
  return jobs / seconds
}

export const enqueueBulk: Contender = async ({ jobs, folder, deliveries, timed }) => {
  const queue = open(folder)
  deliveries.expect(jobs)
  const inputs = Array.from(batches(0, jobs), (batch) => batch.map((n) => payload(n)))
  const ids: number[][] = []
  const seconds = await timed(async () => {
    for (const input of inputs) ids.push(queue.addMany('noop', input).ids)
  })
  // Read, not worked off: that would take longer than all the rest of the case.
  for (const id of ids.flat()) deliveries.mark((JSON.parse(queue.getJobById(id)!.data) as Payload).n)
  if (queue.countJobs() !== jobs) throw new Error(`expected ${jobs} jobs, got: ${queue.countJobs()}`)
  queue.close()
  return jobs / seconds
}

export function latency(durability: 'normal' | 'full'): Contender {
  return async ({ jobs, folder, deliveries, timed, note }) => {
    const queue = open(folder, durability)
    deliveries.expect(jobs)
    const latencies = new Float64Array(jobs)
    const done = Promise.withResolvers<void>()
    let completed = 0
    const working = worker(
      queue,
      ({ n }) => {
        latencies[n] = performance.now() - latencies[n]!
        deliveries.mark(n)
      },
      () => {
        if (++completed === jobs) done.resolve()
      },
    )
    working.start().catch(done.reject)
    await timed(async () => {
      const arrive = (n: number, due: number): void => {
        latencies[n] = due
        queue.add('noop', payload(n))
      }
      const [late] = await Promise.all([
        openLoop({ count: jobs, perSecond: PER_SECOND, arrive }),
        done.promise,
      ])
      note(ADDER, percentile(late, 99))
    })
    await working.stop()
    queue.close()
    return noteLatencies(latencies, note)
  }
}
