/** BullMQ on Redis, by ioredis, which is its default. */
import { Queue, Worker } from 'bullmq'
import { bullmq, type OpenBackend } from './bullmq.ts'

const open: OpenBackend = async (url) => {
  const connection = { url }
  return {
    queue: (name) => new Queue(name, { connection }),
    worker: (name, handler, options) => new Worker(name, handler, { ...options, connection }),
    waiting: async (queue) => (await queue.getJobs(['waiting'])).map(({ data }) => data.n),
  }
}

export const { processAll, enqueueBulk, enqueueSingle, latency, fill, startInstance } = bullmq(open)
