/** Random lives of a Redis store. */
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/backend.ts'
import { keptClock } from '../../src/backends/redis/lua/clock.ts'
import { FakeClock } from '../../src/core/clock.ts'
import type { Backend } from '../../src/queue/backend.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startRedis } from '../servers/redis.ts'
import { lives, liveThrough, MAX_PAYLOAD_BYTES } from './random-life.ts'

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

test(
  'Redis answers and holds what the memory store does, whatever happens',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (steps) => {
        await admin.flushall()
        const clock = new FakeClock()
        const moved = async (): Promise<void> => {
          await admin.hset('clock', { wall: clock.wall(), lease: clock.monotonic() })
        }
        await moved()
        const opened: Backend[] = []
        const open = async (): Promise<Backend> => {
          const backend = new RedisBackend({
            client: async () => admin,
            label: 'redis',
            prefix: 'model',
            hashTag: 'queue',
            allowEviction: false,
            commandTimeoutMs: 5_000,
            clock: keptClock('clock'),
            url: null,
            maxPayloadBytes: MAX_PAYLOAD_BYTES,
          })
          opened.push(backend)
          await backend.open()
          return backend
        }
        try {
          await liveThrough(steps, { clock, moved }, await open(), async (old) => {
            await old.close()
            return open()
          })
        } finally {
          for (const backend of opened) await backend.close()
        }
      }),
      { numRuns: Number(process.env['MILLHAND_MODEL_RUNS'] ?? 100) },
    )
  },
)
