/** A limit that several processes share: all together they let so many messages pass, however they come. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { decide, type RateRule, type RateState } from '../../../src/topic/middleware/rate-rule.ts'
import type { RateLimitStats } from '../../../src/topic/middleware/rate-limit.ts'
import { redisRates } from '../../../src/topic/middleware/redis-rates.ts'
import { sqliteRates } from '../../../src/topic/middleware/sqlite-rates.ts'
import type { PrivateServer } from '../../servers/private-server.ts'
import { startRedis } from '../../servers/redis.ts'
import type { RatesOrder } from './rates-child.ts'

const ALGORITHMS = ['sliding', 'fixed', 'token-bucket'] as const
const WEEK_MS = 7 * 86_400_000

let redis: PrivateServer
let folder: string
beforeAll(async () => {
  redis = await startRedis()
  folder = mkdtempSync(join(tmpdir(), 'millhand-rates-'))
})
afterAll(async () => {
  await redis.stop()
  rmSync(folder, { recursive: true })
})

async function start(kind: string, place: string): Promise<ChildProcess> {
  const child = fork(new URL('./rates-child.ts', import.meta.url), [kind, place], { execArgv: [] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

async function run(child: ChildProcess, order: RatesOrder): Promise<RateLimitStats> {
  const answer = once(child, 'message')
  child.send(order)
  return ((await answer) as [RateLimitStats])[0]
}

describe.each<[string, readonly string[], () => string]>([
  ['a file of SQLite', ['sqlite', 'sqlite'], () => join(folder, 'rates.db')],
  ['Redis, by either of its clients', ['ioredis', 'redis'], () => redis.url],
])('two processes that share a limit by %s', (_name, kinds, place) => {
  test('let no more pass than one would, and no fewer', async () => {
    const children = await Promise.all(kinds.map((kind) => start(kind, place())))
    for (const algorithm of ALGORITHMS) {
      const order = { algorithm, limit: 150, per: '7d', topic: algorithm, messages: 120 } as const
      const stats = await Promise.all(children.map((child) => run(child, order)))
      const sum = (of: (each: RateLimitStats) => number): number =>
        stats.reduce((all, each) => all + of(each), 0)
      expect([algorithm, sum(({ passed }) => passed), sum(({ dropped }) => dropped)]).toEqual([
        ...[algorithm, 150, 90],
      ])
      // Another topic has a limit of its own.
      const other = await run(children[0]!, { ...order, topic: `other ${algorithm}` })
      expect(other).toMatchObject({ passed: 120, dropped: 0 })
    }
  })
})

test.each(ALGORITHMS)(
  'Redis and SQLite decide as memory does, and say the same wait: %s',
  async (algorithm) => {
    const client = new Redis(redis.url)
    onTestFinished(() => client.disconnect())
    const stores = [redisRates(client, { prefix: 'same:' }), sqliteRates(new DatabaseSync(':memory:'))]
    const rule: RateRule = { algorithm, limit: 5, windowMs: WEEK_MS }
    let state: RateState | undefined
    for (let n = 0; n < 8; n++) {
      const decision = decide(rule, state, Date.now())
      state = decision.state
      for (const store of stores) {
        const waitMs = await store.take(algorithm, rule)
        expect(waitMs === 0).toBe(decision.waitMs === 0)
        // Each reads its own clock, a moment later.
        expect(Math.abs(waitMs - decision.waitMs)).toBeLessThan(10_000)
      }
    }
  },
)
