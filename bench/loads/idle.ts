import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Run, Scale } from '../case.ts'
import { silentLogger } from '../millhand.ts'
import { payload, type Payload } from '../payload.ts'
import { openQueues, type OpenStore, type Place } from './store.ts'

/** How many programs have workers for all queues, each with connections of its own. */
export const INSTANCES = 7
export const QUEUES: readonly string[] = Array.from({ length: 10 }, (_, n) => `queue-${n}`)

/** One of the programs that wait for work: workers for all queues, and whatever connections they need. */
export interface Instance {
  /** Adds job `n` to a queue. */
  readonly add: (queue: string, n: number) => Promise<void>
  readonly stop: () => Promise<void>
}
export type StartInstance = (place: Place, onJob: (n: number) => void) => Promise<Instance>

/** How a server tells what it has had to do so far. */
export interface Counter {
  readonly begin: (server: string) => Promise<void>
  readonly count: (server: string) => Promise<number>
}

/** No poll is rarer than one in 5 s, so that a lost wake-up holds up no job for longer. */
const WATCHED_MS: Readonly<Record<Scale, number>> = { full: 20_000, quick: 5_000, 'warm-up': 0 }
/** What is done once at the start is not counted. */
const SETTLE_MS: Readonly<Record<Scale, number>> = { full: 3_000, quick: 200, 'warm-up': 0 }

/** What a server has to do in a second while nothing happens. Afterwards each queue gets a job, and it is done once. */
export function idleCost(start: StartInstance, { begin, count }: Counter): Contender {
  return async (run) => {
    const { server, scale, jobs, deliveries, timed } = run
    await begin(server)
    const { instances, arrivals } = await startAll(start, run)
    await sleep(SETTLE_MS[scale])
    const before = await count(server)
    const seconds = await timed(async () => {
      await sleep(WATCHED_MS[scale])
    })
    const calls = (await count(server)) - before
    for (let n = 0; n < jobs; n++) await instances[0]!.add(QUEUES[n % QUEUES.length]!, n)
    await arrivals
    await Promise.all(instances.map((each) => each.stop()))
    deliveries.verify()
    return calls / seconds
  }
}

export async function startAll(
  start: StartInstance,
  { jobs, deliveries, ...place }: Pick<Run, 'jobs' | 'deliveries' | 'folder' | 'server'>,
): Promise<{ instances: Instance[]; arrivals: Promise<void> }> {
  deliveries.expect(jobs)
  const all = Promise.withResolvers<void>()
  const onJob = (n: number): void => {
    deliveries.mark(n)
    if (deliveries.total >= jobs) all.resolve()
  }
  const instances: Instance[] = []
  // One after the other: those that make the tables do so once.
  for (let n = 0; n < INSTANCES; n++) instances.push(await start(place, onJob))
  return { instances, arrivals: all.promise }
}

/** Ten queues and their workers on one connection of the store. */
export function millhandInstance(open: OpenStore): StartInstance {
  return async (place, onJob) => {
    const backend = open(place)
    const noop = async (job: { readonly payload: Payload }): Promise<void> => onJob(job.payload.n)
    const queues = openQueues(backend, QUEUES)
    const workers = queues.map((queue) => queue.worker({ noop }, { logger: silentLogger }))
    for (const worker of workers) await worker.start()
    return {
      add: async (name, n) => {
        await queues.find((queue) => queue.name === name)!.add('noop', payload(n))
      },
      stop: async () => {
        await Promise.all(workers.map((worker) => worker.stop()))
        await backend.close()
      },
    }
  }
}
