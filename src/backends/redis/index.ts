import type { Duration } from '../../core/duration.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { boolean, checkOptions, custom, duration, integer, oneOf, string } from '../../core/options.ts'
import type { Backend } from '../../queue/backend.ts'
import { RedisBackend } from './backend.ts'
import { isRedisClient, type RedisClient } from './driver.ts'
import type { HashTag } from './keys.ts'
import { serverClock } from './lua/clock.ts'
import { nodeRedisFor } from './node-redis.ts'
import { parseUrl, toUrl } from './url.ts'

export type { RedisClient } from './driver.ts'
export type { IoredisClient } from './ioredis.ts'
export type { HashTag } from './keys.ts'
export type { NodeRedisClient } from './node-redis.ts'
export type { RedisProducerOptions } from './stream/producer.ts'
export { RedisStream, redisStream } from './stream/redis-stream.ts'
export type { RedisSourceOptions, RedisStreamOptions } from './stream/redis-stream.ts'

export interface RedisOptions {
  /** What all keys begin with; another prefix is another store. Default: `millhand`. */
  readonly prefix?: string
  /**
   * `queue`: each queue has a hash tag of its own, so on a Redis Cluster queues spread over the servers, and a job
   * can have follow-ups only in its own queue. `store`: all queues are in one slot, and follow-ups go anywhere.
   * Must be the same for all that use the store. Default: `queue`.
   */
  readonly hashTag?: HashTag
  /** Use a server whose maxmemory-policy may drop keys, jobs among them. Default: false. */
  readonly allowEviction?: boolean
  /** A command that is not answered for so long has failed, and the connection is made anew. Default: 5 s. */
  readonly commandTimeout?: Duration
  /** The largest payload, in bytes. Default: 16 MiB. */
  readonly maxPayloadBytes?: number
}

const RULES = {
  prefix: string({ default: 'millhand' }),
  hashTag: oneOf<HashTag>(['queue', 'store'], 'queue'),
  allowEviction: boolean(false),
  commandTimeout: duration({ default: '5s', min: '100ms' }),
  maxPayloadBytes: integer({ min: 1, default: 16 * 1_048_576 }),
}

/**
 * Keeps jobs in a Redis (6.2 or newer) or Valkey server, which any number of machines can share.
 *
 *     const backend = redis('redis://localhost:6379/0')
 *     const other = redis(new Cluster([{ host: 'a', port: 7000 }]))
 *
 * @param location a `redis:` or `rediss:` URL, for which the package `redis` (node-redis) must be installed; or a
 *   client of `redis` or of `ioredis`, standalone, of Sentinel or of a Cluster. Of a client only the options are
 *   used: the store makes connections of its own, one for commands and one that listens.
 * @throws InvalidOptionError for options that cannot be. What is wrong with the server is told by `open`:
 *   BACKEND_UNAVAILABLE, BACKEND_FOREIGN, BACKEND_NEWER or DRIVER_MISSING.
 */
export function redis(location: string | RedisClient, options?: RedisOptions): Backend {
  const where = custom<string | RedisClient>('a redis: URL or a client', isLocation)(location, 'location')
  const given = checkOptions('redis', RULES, options)
  if (/[{}]/.test(given.prefix) || given.prefix === '') {
    throw new InvalidOptionError('prefix', 'expected prefix to be a text without braces')
  }
  const { commandTimeout: commandTimeoutMs, ...checked } = given
  const common = { ...checked, commandTimeoutMs, clock: serverClock }
  if (typeof where !== 'string') {
    return new RedisBackend({ ...common, url: null, label: 'the redis server', client: async () => where })
  }
  const { server, label } = parseUrl(where)
  const { prefix, hashTag, allowEviction, maxPayloadBytes } = checked
  const url = toUrl(server, {
    prefix,
    hashTag,
    allowEviction,
    commandTimeout: commandTimeoutMs,
    maxPayloadBytes,
  })
  return new RedisBackend({ ...common, url, label, client: () => nodeRedisFor(server) })
}

/**
 * The backend that a URL names: `redis://user:password@host:6379/0?prefix=jobs&hashTag=store`.
 * @throws InvalidOptionError when it cannot be read.
 */
export function fromUrl(url: URL | string): Backend {
  const { server, options } = parseUrl(String(url))
  const { prefix, hashTag, allowEviction, commandTimeout, maxPayloadBytes } = options
  return redis(server, {
    ...(prefix !== undefined && { prefix }),
    ...(hashTag !== undefined && { hashTag: hashTag as HashTag }),
    ...(allowEviction !== undefined && { allowEviction: allowEviction === 'true' }),
    ...(commandTimeout !== undefined && { commandTimeout: asDuration(commandTimeout) }),
    ...(maxPayloadBytes !== undefined && { maxPayloadBytes: Number(maxPayloadBytes) }),
  })
}

function asDuration(text: string): Duration {
  return /^\d+$/.test(text) ? Number(text) : text
}

function isLocation(value: unknown): boolean {
  return typeof value === 'string' || isRedisClient(value)
}
