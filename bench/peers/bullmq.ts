/**
 * BullMQ, whose queues and workers are the same on each of its backends. Tuned as its guide advises: done jobs are
 * removed at once, jobs are added in bulk where there are many, one worker with the concurrency that is asked for.
 */
import type { Queue, Worker, WorkerOptions } from 'bullmq'
import { openLoop } from '../arrivals.ts'
import { IN_FLIGHT } from '../loads/enqueue.ts'
import { QUEUES } from '../loads/idle.ts'
import { ADDER, noteLatencies, PER_SECOND } from '../loads/latency.ts'
import { keepInFlight } from '../loads/pool/in-flight.ts'
import { batches, payload, type Payload } from '../payload.ts'
import { percentile } from '../statistics.ts'
import type { Peer, ProcessOptions } from '../suites/server-cases.ts'

type BullQueue = Pick<
  Queue<Payload, void>,
  'add' | 'addBulk' | 'close' | 'getJobCounts' | 'getJobs' | 'waitUntilReady'
>
type Handler = (job: { readonly data: Payload }) => Promise<void>
interface BullWorker extends Pick<Worker<Payload, void>, 'close' | 'run' | 'waitUntilReady'> {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'completed', listener: () => void): unknown
}
type Tuning = Omit<WorkerOptions, 'connection'>

/** Connections to one server. */
export interface Backend {
  readonly queue: (name: string) => BullQueue
  /** It does not run yet. */
  readonly worker: (name: string, handler: Handler, options: Tuning) => BullWorker
  /** The numbers of the jobs that wait, read, not worked off: that would take longer than all the rest of a case. */
  readonly waiting: (queue: BullQueue) => Promise<readonly number[]>
}
/**
 * What is different: which server, and how to reach it.
 * @param connections the most that a queue or worker makes, where it makes more than it needs to listen.
 */
export type OpenBackend = (url: string, connections?: number) => Promise<Backend>

const QUEUE = 'bench'
const REMOVED = { removeOnComplete: true } as const

export function bullmq(open: OpenBackend): Peer {
  return {
    processAll: ({ concurrency, work }: ProcessOptions) => {
      return async ({ jobs, server, deliveries, timed }) => {
        const backend = await open(server)
        const queue = backend.queue(QUEUE)
        deliveries.expect(jobs)
        for (const batch of batches(0, jobs)) await addBulk(queue, batch)
        const all = Promise.withResolvers<void>()
        const handler: Handler = async ({ data }) => {
          if (work !== undefined) await work()
          deliveries.mark(data.n)
        }
        const worker = backend.worker(QUEUE, handler, { concurrency, autorun: false })
        worker.on('error', all.reject)
        let completed = 0
        // Emitted when the store has it.
        worker.on('completed', () => {
          if (++completed === jobs) all.resolve()
        })
        await worker.waitUntilReady()
        const seconds = await timed(async () => {
          worker.run().catch(all.reject)
          await all.promise
        })
        await worker.close()
        await expectEmpty(queue)
        await queue.close()
        return jobs / seconds
      }
    },
    enqueueBulk: async ({ jobs, server, deliveries, timed }) => {
      const backend = await open(server)
      const queue = backend.queue(QUEUE)
      await queue.waitUntilReady()
      deliveries.expect(jobs)
      const inputs = Array.from(batches(0, jobs), bulk)
      const seconds = await timed(async () => {
        for (const input of inputs) await queue.addBulk(input)
      })
      for (const n of await backend.waiting(queue)) deliveries.mark(n)
      await queue.close()
      return jobs / seconds
    },
    enqueueSingle: async ({ jobs, server, deliveries, timed }) => {
      const backend = await open(server)
      const queue = backend.queue(QUEUE)
      await queue.waitUntilReady()
      deliveries.expect(jobs)
      const add = (n: number): Promise<unknown> => queue.add('noop', payload(n), REMOVED)
      const seconds = await timed(() => keepInFlight(add, jobs, IN_FLIGHT, () => {}))
      for (const n of await backend.waiting(queue)) deliveries.mark(n)
      await queue.close()
      return jobs / seconds
    },
    latency: async ({ jobs, server, deliveries, timed, note }) => {
      const backend = await open(server)
      const queue = backend.queue(QUEUE)
      await queue.waitUntilReady()
      deliveries.expect(jobs)
      const latencies = new Float64Array(jobs)
      const done = Promise.withResolvers<void>()
      const handler: Handler = async ({ data: { n } }) => {
        latencies[n] = performance.now() - latencies[n]!
        deliveries.mark(n)
      }
      const worker = backend.worker(QUEUE, handler, { concurrency: 100 })
      worker.on('error', done.reject)
      let completed = 0
      worker.on('completed', () => {
        if (++completed === jobs) done.resolve()
      })
      await worker.waitUntilReady()
      await timed(async () => {
        const arrive = (n: number, due: number): void => {
          latencies[n] = due
          queue.add('noop', payload(n), REMOVED).catch(done.reject)
        }
        const [late] = await Promise.all([
          openLoop({ count: jobs, perSecond: PER_SECOND, arrive }),
          done.promise,
        ])
        note(ADDER, percentile(late, 99))
      })
      await worker.close()
      await expectEmpty(queue)
      await queue.close()
      return noteLatencies(latencies, note)
    },
    fill: async ({ jobs, server, deliveries }) => {
      const queue = (await open(server)).queue(QUEUE)
      for (const batch of batches(0, jobs)) await addBulk(queue, batch)
      const { waiting = 0 } = await queue.getJobCounts('waiting')
      deliveries.left(waiting)
      await queue.close()
    },
    // A worker serves one queue, so an instance has ten. It looks again after a wait of 5 s, which is its default.
    startInstance: async ({ server }, onJob) => {
      const backend = await open(server, 1)
      const workers = QUEUES.map((name) =>
        backend.worker(name, async ({ data }) => onJob(data.n), { drainDelay: 5 }),
      )
      await Promise.all(workers.map((worker) => worker.waitUntilReady()))
      return {
        add: async (name, n) => {
          const queue = backend.queue(name)
          await queue.add('noop', payload(n), REMOVED)
          await queue.close()
        },
        stop: async () => {
          await Promise.all(workers.map((worker) => worker.close(true)))
        },
      }
    },
  }
}

function bulk(batch: readonly number[]): { name: 'noop'; data: Payload; opts: typeof REMOVED }[] {
  return batch.map((n) => ({ name: 'noop', data: payload(n), opts: REMOVED }))
}

async function addBulk(queue: BullQueue, batch: readonly number[]): Promise<void> {
  await queue.addBulk(bulk(batch))
}

async function expectEmpty(queue: BullQueue): Promise<void> {
  const counts = await queue.getJobCounts()
  const left = Object.entries(counts).filter(([, count]) => count > 0)
  if (left.length > 0) throw new Error(`expected every job to be done, got: ${JSON.stringify(counts)}`)
}
