import type { Suite } from '../case.ts'
import { inRedis } from '../loads/store.ts'
import { isRedisMessage } from '../loads/wake-up-filter.ts'
import { commandCount, usedMemory } from '../servers/redis.ts'
import { serverCases } from './server-cases.ts'

/** Queues in Redis. The server appends what it does to a file, which reaches the disk once a second. */
export const suite: Suite = {
  name: 'redis',
  server: 'redis',
  cases: serverCases({
    open: inRedis,
    peers: { BullMQ: { load: () => import('../peers/bullmq-redis.ts') } },
    rounds: 5,
    quickOneIn: 10,
    jobs: {
      process100: 120_000,
      process1: 12_000,
      unbuffered: 40_000,
      bulk: 60_000,
      single: 60_000,
      fiveMs: 30_000,
      backlog: 200_000,
    },
    counter: { begin: async () => {}, count: commandCount },
    calls:
      'Commands that the server executes in a second, those inside of scripts included, while workers of 10 queues in 7 instances have nothing to do. No poll is rarer than one in 5 s on any side.',
    isWakeUp: isRedisMessage,
    bytesOf: usedMemory,
    bytes: 'Memory that a waiting job with a payload of 100 bytes takes in the server, of 100,000.',
    sizes: ['BullMQ'],
  }),
}
