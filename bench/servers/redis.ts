import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** Removes all keys, and the file that says how they came to be. */
export async function empty(url: string): Promise<string> {
  await withRedis(url, async (redis) => {
    await redis.flushall('SYNC')
    // Otherwise it would do so by itself in the middle of a run, whoever's that is.
    await redis.bgrewriteaof()
    while (/aof_rewrite_(?:in_progress|scheduled):1/.test(await redis.info('persistence'))) await sleep(5)
  })
  return url
}

/** What its allocator has handed out for data, in bytes. */
export function usedMemory(url: string): Promise<number> {
  return withRedis(url, async (redis) => figure(await redis.info('memory'), /^used_memory:(\d+)/m))
}

/** How many commands it has executed, those inside of scripts included. */
export function commandCount(url: string): Promise<number> {
  return withRedis(url, async (redis) => {
    let calls = 0
    for (const [, name, count] of (await redis.info('commandstats')).matchAll(
      /^cmdstat_([^:]+):calls=(\d+)/gm,
    )) {
      // Those are ours.
      if (name !== 'info' && name !== 'client|setinfo') calls += Number(count)
    }
    return calls
  })
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { lazyConnect: true })
  await redis.connect()
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

function figure(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`expected ${pattern} in what Redis tells of itself, got: ${text}`)
  return Number(found)
}
