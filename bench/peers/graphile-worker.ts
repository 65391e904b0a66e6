/**
 * graphile-worker, tuned as its chapter on performance advises for many short jobs: a local queue that fetches 500
 * at once, completed jobs removed in batches, prepared statements, a connection more than its workers can use, and
 * no line of log for each job.
 */
import {
  Logger,
  makeWorkerUtils,
  run,
  type Runner,
  type RunnerOptions,
  type WorkerUtils,
} from 'graphile-worker'
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

const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message)
})
const JOBS = 'graphile_worker._private_jobs'

type Settings = NonNullable<NonNullable<RunnerOptions['preset']>['worker']>

/** Fetches ahead, and removes in batches. */
const BATCHED: Settings = {
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
  maxPoolSize: 10,
}
/**
 * For short waits at a steady stream: as many as can run are fetched at once, again after 2 ms and not at each
 * notification, and removed every 10 ms. Without it, fetches of one job each keep the adds waiting.
 */
const PROMPT: Settings = {
  localQueue: { size: 101, refetchDelay: { durationMs: 2, maxAbortThreshold: Infinity } },
  completeJobBatchDelay: 10,
  failJobBatchDelay: 10,
  maxPoolSize: 10,
}
/** One connection listens, and the other does one statement after the other: it settles, then it claims. */
const UNBUFFERED: Settings = { maxPoolSize: 2 }

function utils(server: string): Promise<WorkerUtils> {
  return makeWorkerUtils({ connectionString: server, logger, maxPoolSize: 20 })
}

function start(
  server: string,
  worker: Settings,
  tasks: readonly string[],
  handle: (job: Payload) => Promise<void> | void,
): Promise<Runner> {
  return run({
    preset: { worker: { ...worker, connectionString: server, logger } },
    noHandleSignals: true,
    parsedCronItems: [],
    taskList: Object.fromEntries(tasks.map((name) => [name, (job: unknown) => handle(job as Payload)])),
  })
}

export function processAll({ concurrency, buffered = true, work }: ProcessOptions): Contender {
  return async ({ jobs, server, deliveries, timed }) => {
    const adder = await utils(server)
    await adder.migrate()
    deliveries.expect(jobs)
    await addAll(adder, 0, jobs)
    const all = Promise.withResolvers<void>()
    const seconds = await timed(async () => {
      const settings = buffered ? BATCHED : UNBUFFERED
      const runner = await start(
        server,
        { ...settings, concurrentJobs: concurrency },
        ['noop'],
        async ({ n }) => {
          if (work !== undefined) await work()
          deliveries.mark(n)
          if (deliveries.total === jobs) all.resolve()
        },
      )
      await Promise.race([all.promise, runner.promise])
      // Removes what it has not yet removed.
      await runner.stop()
    })
    await expectEmpty(server)
    await adder.release()
    return jobs / seconds
  }
}

export const enqueueBulk: Contender = async ({ jobs, server, deliveries, timed }) => {
  const adder = await utils(server)
  await adder.migrate()
  deliveries.expect(jobs)
  const inputs = Array.from(batches(0, jobs), bulk)
  const seconds = await timed(async () => {
    for (const input of inputs) await adder.addJobs(input)
  })
  await readAll(server, (n) => deliveries.mark(n))
  await adder.release()
  return jobs / seconds
}

export const enqueueSingle: Contender = async ({ jobs, server, deliveries, timed }) => {
  const adder = await utils(server)
  await adder.migrate()
  deliveries.expect(jobs)
  const seconds = await timed(() =>
    keepInFlight(
      (n) => adder.addJob('noop', payload(n)),
      jobs,
      IN_FLIGHT,
      () => {},
    ),
  )
  await readAll(server, (n) => deliveries.mark(n))
  await adder.release()
  return jobs / seconds
}

export const latency: Contender = async ({ jobs, server, deliveries, timed, note }) => {
  const adder = await utils(server)
  await adder.migrate()
  deliveries.expect(jobs)
  const latencies = new Float64Array(jobs)
  const done = Promise.withResolvers<void>()
  const runner = await start(server, { ...PROMPT, concurrentJobs: 100 }, ['noop'], ({ n }) => {
    latencies[n] = performance.now() - latencies[n]!
    deliveries.mark(n)
    if (deliveries.total === jobs) done.resolve()
  })
  await timed(async () => {
    const arrive = (n: number, due: number): void => {
      latencies[n] = due
      adder.addJob('noop', payload(n)).catch(done.reject)
    }
    const [late] = await Promise.all([openLoop({ count: jobs, perSecond: PER_SECOND, arrive }), done.promise])
    note(ADDER, percentile(late, 99))
  })
  await runner.stop()
  await expectEmpty(server)
  await adder.release()
  return noteLatencies(latencies, note)
}

/** Adds all jobs and leaves them. */
export async function fill({ jobs, server, deliveries }: Run): Promise<void> {
  const adder = await utils(server)
  await adder.migrate()
  await addAll(adder, 0, jobs)
  await adder.release()
  await readAll(server, (n) => deliveries.mark(n))
}

/** One runner serves all kinds of jobs. Its polls come as often as a lost wake-up may hold up a job. */
export const startInstance: StartInstance = async ({ server }, onJob) => {
  const settings = { ...BATCHED, concurrentJobs: 5, pollInterval: 5_000 }
  const runner = await start(server, settings, QUEUES, ({ n }) => onJob(n))
  return {
    add: async (name, n) => {
      await runner.addJob(name, payload(n))
    },
    stop: () => runner.stop(),
  }
}

function bulk(batch: readonly number[]): { identifier: string; payload: Payload }[] {
  return batch.map((n) => ({ identifier: 'noop', payload: payload(n) }))
}

async function addAll(adder: WorkerUtils, from: number, to: number): Promise<void> {
  for (const batch of batches(from, to)) await adder.addJobs(bulk(batch))
}

/** Read, not worked off: that would take longer than all the rest of the case. */
function readAll(server: string, mark: (n: number) => void): Promise<void> {
  return withClient(server, async (client) => {
    const { rows } = await client.query<{ n: number }>(`select (payload->>'n')::int as n from ${JOBS}`)
    for (const { n } of rows) mark(n)
  })
}

function expectEmpty(server: string): Promise<void> {
  return readAll(server, (n) => {
    throw new Error(`expected every job to be done, got: job ${n} left`)
  })
}
