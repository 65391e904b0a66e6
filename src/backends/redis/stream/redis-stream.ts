import type { Duration } from '../../../core/duration.ts'
import { InvalidOptionError } from '../../../core/errors.ts'
import { boolean, checkOptions, custom, duration, integer, optional, string } from '../../../core/options.ts'
import { LeasedSource } from '../../../stream/source/leased-source.ts'
import type { StreamProducer } from '../../../stream/source/producer.ts'
import { SOURCE_RULES, type SourceOptions } from '../../../stream/source/source-options.ts'
import type { StreamSource } from '../../../stream/source/source.ts'
import { isRedisClient, type RedisClient } from '../driver.ts'
import { serverClock } from '../lua/clock.ts'
import { nodeRedisFor } from '../node-redis.ts'
import { parseUrl } from '../url.ts'
import { PRODUCER_RULES, RedisProducer, type RedisProducerOptions } from './producer.ts'
import { ShardServer } from './shard-server.ts'
import { StreamKeys } from './stream-keys.ts'
import { streamScripts } from './stream-scripts.ts'
import type { StreamServer } from './stream-server.ts'

export interface RedisStreamOptions {
  readonly name: string
  /**
   * Into how many Redis streams it is divided, 1 to 1,024: as many processes can share it at most. Fixed when the
   * first producer makes it; another number is refused then. Default: that of the stream, and 16 for a new one.
   */
  readonly shards?: number
  /** What all keys begin with. Default: `millhand`. */
  readonly prefix?: string
  /** Use a server whose maxmemory-policy may drop keys, streams among them. Default: false. */
  readonly allowEviction?: boolean
  /** A command that is not answered for so long has failed, and the connection is made anew. Default: 5 s. */
  readonly commandTimeout?: Duration
}

export interface RedisSourceOptions extends SourceOptions {
  /** Processes of one group share the stream; each group reads all of it. Default: `default`. */
  readonly group?: string
}

const RULES = {
  name: string(),
  shards: optional(integer({ min: 1, max: 1024, default: 16 })),
  prefix: string({ default: 'millhand' }),
  allowEviction: boolean(false),
  commandTimeout: duration({ default: '5s', min: '100ms' }),
}

/**
 * A keyed stream in a Redis (6.2 or newer) or Valkey server, which processes on any number of machines share.
 *
 *     const prices = redisStream('redis://localhost:6379', { name: 'prices' })
 *     await prices.producer().append('EURUSD', '{"bid":1.0642}')
 *     server.add(books).add(new StreamFeed({ source: prices.source(), target: books }))
 *
 * @param location a `redis:` or `rediss:` URL, for which the package `redis` (node-redis) must be installed; or a
 *   client of `redis` or of `ioredis`, of which only the options are used: there are connections of our own.
 * @throws InvalidOptionError for options that cannot be.
 */
export function redisStream(location: string | RedisClient, options: RedisStreamOptions): RedisStream {
  const where = custom<string | RedisClient>('a redis: URL or a client', isLocation)(location, 'location')
  const { name, shards, prefix, allowEviction, commandTimeout } = checkOptions('redisStream', RULES, options)
  if (/[{}]/.test(prefix))
    throw new InvalidOptionError('prefix', 'expected prefix to be a text without braces')
  const { server, label } =
    typeof where === 'string' ? parseUrl(where) : { server: undefined, label: 'the redis server' }
  const client = async (): Promise<RedisClient> =>
    server === undefined ? (where as RedisClient) : nodeRedisFor(server)
  return new RedisStream({
    ...{ name, shards, allowEviction, label },
    keys: new StreamKeys(prefix, name),
    scripts: streamScripts(serverClock),
    connection: { client, label, commandTimeoutMs: commandTimeout },
  })
}

/** A stream in a server: nothing is opened before a producer or a source is used. */
export class RedisStream {
  readonly name: string
  readonly #server: StreamServer

  constructor(server: StreamServer) {
    this.name = server.name
    this.#server = server
  }

  /** @throws InvalidOptionError for options that cannot be. */
  producer(options?: RedisProducerOptions): StreamProducer {
    return new RedisProducer(this.#server, checkOptions('producer', PRODUCER_RULES, options))
  }

  /** @throws InvalidOptionError for options that cannot be. */
  source(options?: RedisSourceOptions): StreamSource {
    const rules = { ...SOURCE_RULES, group: string({ default: 'default' }) }
    const { group, ...checked } = checkOptions('source', rules, options)
    const name = group.replaceAll(/[%{}:]/g, encodeURIComponent)
    return new LeasedSource(
      this.name,
      (hints) => new ShardServer(this.#server, name, checked.lease, hints),
      checked,
    )
  }
}

function isLocation(value: unknown): boolean {
  return typeof value === 'string' || isRedisClient(value)
}
