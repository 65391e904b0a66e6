import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/backend.ts'
import { type RedisClient, redis } from '../../src/backends/redis/index.ts'
import { keptClock } from '../../src/backends/redis/lua/clock.ts'
import { conformanceCases, type Harness, runnable } from '../../src/conformance/index.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startRedis } from '../servers/redis.ts'

let server: PrivateServer
let admin: Redis
beforeAll(async () => {
  server = await startRedis()
  admin = new Redis(server.url)
})
afterAll(async () => {
  admin.disconnect()
  await server.stop()
})

/** Each case is a store of its own; every opening has connections of its own. */
function harness(open: (prefix: string) => Backend, time: Pick<Harness, 'pass' | 'jumpWall'>): Harness {
  const prefix = `case-${++cases}`
  const opened: Backend[] = []
  return {
    async open() {
      const backend = open(prefix)
      opened.push(backend)
      await backend.open()
      return backend
    },
    ...time,
    close: async () => {
      await Promise.all(opened.map((backend) => backend.close()))
    },
  }
}
let cases = 0

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A store whose time is ours: it stands in a key. */
async function timed(client: RedisClient): Promise<Harness> {
  const clock = `clock-${cases + 1}`
  const start = Date.UTC(2026, 0, 1)
  await admin.hset(clock, { wall: start, lease: 1_000_000 })
  const move = async (wall: number, lease: number): Promise<void> => {
    await admin.hincrby(clock, 'wall', wall)
    await admin.hincrby(clock, 'lease', lease)
  }
  return harness(
    (prefix) =>
      new RedisBackend({
        client: async () => client,
        label: 'redis',
        prefix,
        hashTag: 'queue',
        allowEviction: false,
        commandTimeoutMs: 5_000,
        clock: keptClock(clock),
        url: null,
        maxPayloadBytes: 1_048_576,
      }),
    { pass: (ms) => move(ms, ms), jumpWall: (ms) => move(ms, 0) },
  )
}

describe('a server through ioredis, its time in our hands', () => {
  const open = (): Promise<Harness> => timed(admin)
  for (const { title, run } of runnable(conformanceCases, open)) test(title, ({ skip }) => run(skip))
})

describe.concurrent('a server and its own time', () => {
  const open = async (): Promise<Harness> =>
    harness((prefix) => redis(server.url, { prefix }), { pass: sleep })
  for (const { title, run } of runnable(conformanceCases, open)) test(title, ({ skip }) => run(skip))
})

describe('a server through node-redis, its time in our hands', () => {
  const open = (): Promise<Harness> => timed(createClient({ url: server.url }))
  for (const { title, run } of runnable(conformanceCases, open)) test(title, ({ skip }) => run(skip))
})
