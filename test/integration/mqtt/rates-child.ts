/** One of several processes that share a limit: `node rates-child.ts STORE PLACE`. Talks to its parent by messages. */
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { Router } from '../../../src/topic/router.ts'
import { rateLimit, type RateLimitOptions } from '../../../src/topic/middleware/rate-limit.ts'
import type { RateStore } from '../../../src/topic/middleware/rate-store.ts'
import { redisRates } from '../../../src/topic/middleware/redis-rates.ts'
import { sqliteRates } from '../../../src/topic/middleware/sqlite-rates.ts'
import { deliveryOf, messageOf } from '../../unit/topic/messages.ts'

export interface RatesOrder extends Required<Pick<RateLimitOptions, 'algorithm' | 'limit' | 'per'>> {
  readonly topic: string
  readonly messages: number
}

const [kind = '', place = ''] = process.argv.slice(2)

const STORES: Readonly<Record<string, () => Promise<RateStore>>> = {
  sqlite: async () => {
    const db = new DatabaseSync(place, { timeout: 10_000 })
    db.exec('pragma journal_mode = wal; pragma synchronous = off')
    return sqliteRates(db)
  },
  ioredis: async () => redisRates(new Redis(place)),
  redis: async () => redisRates(await createClient({ url: place }).connect()),
}

const store = await STORES[kind]!()
process.once('disconnect', () => process.exit())
process.send!('ready')
for (;;) {
  const [order] = (await once(process, 'message')) as [RatesOrder]
  const { topic, messages, algorithm, limit, per } = order
  const limited = rateLimit({ algorithm, limit, per, store, over: 'drop' })
  const dispatcher = new Router()
    .use(limited)
    .on('#', () => {})
    .dispatcher()
  for (let n = 0; n < messages; n++) {
    await dispatcher.dispatch(messageOf(topic), deliveryOf())
    // Also where nothing waits for a server the others get their turn.
    await new Promise((resolve) => setImmediate(resolve))
  }
  process.send!(limited.stats)
}
