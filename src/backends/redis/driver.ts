import { isIoredis, type IoredisClient, overIoredis } from './ioredis.ts'
import { isNodeRedis, type NodeRedisClient, overNodeRedis } from './node-redis.ts'

/** What a command is made of. */
export type Argument = string | Buffer

/** A client of ioredis or of node-redis: standalone, of Sentinel, or of a Cluster. */
export type RedisClient = IoredisClient | NodeRedisClient

/** What a driver tells of its connection. */
export interface DriverEvents {
  /** It can be used, at first or again. */
  readonly onReady: () => void
  /** Why it cannot be used. */
  readonly onError: (error: Error) => void
  readonly onMessage: (channel: string) => void
}

/** One connection to a server or a cluster, which makes itself anew when it is lost. */
export interface Driver {
  /** Every key must be in one slot with all that it is used with. */
  readonly isCluster: boolean
  readonly isReady: boolean
  /** Begins to connect. */
  connect(): void
  /** Texts of the reply are Buffers. Rejects at once when there is no connection. */
  send(key: string, args: readonly Argument[]): Promise<unknown>
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** Gives up the connection, which does not answer, for a new one. */
  renew(): void
  close(): void
}

/** A driver with a connection of its own, made like the one of the client that was given. */
export function driverOf(client: RedisClient, events: DriverEvents): Driver {
  return isIoredis(client) ? overIoredis(client, events) : overNodeRedis(client, events)
}

export function isRedisClient(value: unknown): boolean {
  return isIoredis(value) || isNodeRedis(value)
}
