/**
 * pg-boss. Fastest here is not its `work`, which fetches no sooner than it has polled, but what its documents offer
 * beside it: `fetch` and `complete` of batches, in loops that overlap.
 */
import { PgBoss, type ConstructorOptions } from 'pg-boss'
import { openLoop } from '../arrivals.ts'
import type { Contender, Run } from '../case.ts'
import { IN_FLIGHT } from '../loads/enqueue.ts'
import { QUEUES, type StartInstance } from '../loads/idle.ts'
import { ADDER, noteLatencies, PER_SECOND } from '../loads/latency.ts'
import { keepInFlight } from '../loads/pool/in-flight.ts'
import { batches, payload, type Payload } from '../payload.ts'
import { withClient } from '../servers/postgres.ts'
import { percentile } from '../statistics.ts'
import type { ProcessOptions } from '../suites/server-cases.ts'

const QUEUE = 'bench'
/** Jobs of one fetch, and how many fetches go on at a time. */
const FETCHED = 500
const LOOPS = 2

async function open(server: string, options: ConstructorOptions = {}): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: server, max: 20, schedule: false, ...options })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  return boss
}

export function processAll({ concurrency, buffered = true, work }: ProcessOptions): Contender {
  return async ({ jobs, server, deliveries, timed }) => {
    const boss = await open(server)
    await boss.createQueue(QUEUE)
    deliveries.expect(jobs)
    await addAll(boss, jobs)
    const loops = concurrency === 1 ? 1 : LOOPS
    // Handlers of a fetch run at once, so many of all loops together.
    const atOnce = concurrency / loops
    // Jobs that take time are fetched as they can run: the first of a batch would wait for its last otherwise.
    const batchSize = buffered ? (work === undefined ? FETCHED : 10) : 1
    const loop = async (): Promise<void> => {
      for (;;) {
        const batch = await boss.fetch<Payload>(QUEUE, { batchSize })
        if (batch.length === 0) return
        const handle = async (n: number): Promise<void> => {
          if (work !== undefined) await work()
          deliveries.mark(batch[n]!.data.n)
        }
        await keepInFlight(handle, batch.length, atOnce, () => {})
        await boss.complete(
          QUEUE,
          batch.map(({ id }) => id),
        )
      }
    }
    const overlapping = work === undefined ? loops : concurrency / batchSize
    const seconds = await timed(async () => {
      await Promise.all(Array.from({ length: overlapping }, loop))
    })
    await expectDone(server)
    await boss.stop({ graceful: false })
    return jobs / seconds
  }
}

export const enqueueBulk: Contender = async ({ jobs, server, deliveries, timed }) => {
  const boss = await open(server)
  await boss.createQueue(QUEUE)
  deliveries.expect(jobs)
  const inputs = Array.from(batches(0, jobs), bulk)
  const seconds = await timed(async () => {
    for (const input of inputs) await boss.insert(QUEUE, input)
  })
  await readAll(server, (n) => deliveries.mark(n))
  await boss.stop({ graceful: false })
  return jobs / seconds
}

export const enqueueSingle: Contender = async ({ jobs, server, deliveries, timed }) => {
  const boss = await open(server)
  await boss.createQueue(QUEUE)
  deliveries.expect(jobs)
  const seconds = await timed(() =>
    keepInFlight(
      (n) => boss.send(QUEUE, payload(n)),
      jobs,
      IN_FLIGHT,
      () => {},
    ),
  )
  await readAll(server, (n) => deliveries.mark(n))
  await boss.stop({ graceful: false })
  return jobs / seconds
}

/** Here it is `work`, woken by notifications; one worker, since each is woken by each. */
export const latency: Contender = async ({ jobs, server, deliveries, timed, note }) => {
  const boss = await open(server, { useListenNotify: true })
  await boss.createQueue(QUEUE, { notify: true })
  deliveries.expect(jobs)
  const latencies = new Float64Array(jobs)
  const done = Promise.withResolvers<void>()
  const options = { batchSize: 100, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true }
  await boss.work<Payload>(QUEUE, options, async (batch) => {
    for (const { data } of batch) {
      latencies[data.n] = performance.now() - latencies[data.n]!
      deliveries.mark(data.n)
    }
    if (deliveries.total === jobs) done.resolve()
  })
  await timed(async () => {
    const arrive = (n: number, due: number): void => {
      latencies[n] = due
      boss.send(QUEUE, payload(n)).catch(done.reject)
    }
    const [late] = await Promise.all([openLoop({ count: jobs, perSecond: PER_SECOND, arrive }), done.promise])
    note(ADDER, percentile(late, 99))
  })
  await boss.stop({ graceful: true, timeout: 5000 })
  return noteLatencies(latencies, note)
}

/** Adds all jobs and leaves them. */
export async function fill({ jobs, server, deliveries }: Run): Promise<void> {
  const boss = await open(server)
  await boss.createQueue(QUEUE)
  await addAll(boss, jobs)
  await boss.stop({ graceful: false })
  await readAll(server, (n) => deliveries.mark(n))
}

/** A worker for each queue, woken by notifications; its polls come as often as a lost one may hold up a job. */
export const startInstance: StartInstance = async ({ server }, onJob) => {
  const boss = await open(server, { useListenNotify: true })
  for (const name of QUEUES) {
    await boss.createQueue(name, { notify: true })
    await boss.work<Payload>(name, { notifyPollingIntervalSeconds: 5 }, async (batch) => {
      for (const { data } of batch) onJob(data.n)
    })
  }
  return {
    add: async (name, n) => {
      await boss.send(name, payload(n))
    },
    stop: () => boss.stop({ graceful: false }),
  }
}

function bulk(batch: readonly number[]): { data: Payload }[] {
  return batch.map((n) => ({ data: payload(n) }))
}

async function addAll(boss: PgBoss, jobs: number): Promise<void> {
  for (const batch of batches(0, jobs)) await boss.insert(QUEUE, bulk(batch))
}

/** Read, not worked off: that would take longer than all the rest of the case. */
function readAll(server: string, mark: (n: number) => void): Promise<void> {
  return withClient(server, async (client) => {
    const { rows } = await client.query<{ n: number }>(`select (data->>'n')::int as n from pgboss.job`)
    for (const { n } of rows) mark(n)
  })
}

/** It keeps jobs that are done, for a week. */
function expectDone(server: string): Promise<void> {
  return withClient(server, async (client) => {
    const { rows } = await client.query(`select state from pgboss.job where state <> 'completed' limit 1`)
    if (rows.length > 0)
      throw new Error(`expected every job to be completed, got: ${JSON.stringify(rows[0])}`)
  })
}
