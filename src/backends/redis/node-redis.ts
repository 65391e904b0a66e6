import { BackendError } from '../../core/errors.ts'
import type { Driver, DriverEvents } from './driver.ts'

/** What is asked of a client, a cluster or a sentinel of node-redis (the package `redis`), 5 or newer. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  duplicate(...options: never[]): unknown
  sendCommand(...args: never[]): unknown
}

/** The same, as it is used here. The three kinds differ in what stands before the command. */
interface NodeRedis {
  readonly isReady?: boolean
  readonly isOpen: boolean
  /** Only a cluster has these. */
  readonly slots?: unknown
  /** Only a sentinel has this. */
  readonly getSentinelNode?: unknown
  duplicate(options: object): NodeRedis
  connect(): Promise<unknown>
  destroy(): void
  sendCommand(...args: unknown[]): Promise<unknown>
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  on(event: string, listener: (...args: never[]) => void): unknown
}

export function isNodeRedis(value: unknown): value is NodeRedisClient {
  const { sendCommand, duplicate, isOpen } = (value ?? {}) as Partial<Record<keyof NodeRedisClient, unknown>>
  return typeof sendCommand === 'function' && typeof duplicate === 'function' && typeof isOpen === 'boolean'
}

/** A client that is never connected, only duplicated. */
export async function nodeRedisFor(url: string): Promise<NodeRedisClient> {
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new BackendError('DRIVER_MISSING', 'a redis: URL needs the package redis: npm install redis', {
      cause,
    })
  })
  return createClient({ url })
}

/** Waiting grows to this between two tries to connect, ms. */
const MOST_RETRY_MS = 500

/** Bulk strings (`$`) as Buffers. No timer for each command, as there would be else: a silent server is found out. */
const OURS = { typeMapping: { 36: Buffer }, timeout: 0 }

export function overNodeRedis(client: NodeRedisClient, events: DriverEvents): Driver {
  const original = client as unknown as NodeRedis
  const isCluster = original.slots !== undefined
  const isSentinel = original.getSentinelNode !== undefined
  const make = (): NodeRedis => {
    const made = original.duplicate(
      isCluster || isSentinel ? {} : { disableOfflineQueue: true, socket: socketOf(original) },
    )
    made.on('ready', () => {
      if (made !== own) return
      connected = true
      events.onReady()
    })
    made.on('error', (error: Error) => made === own && events.onError(error))
    return made
  }
  let own: NodeRedis
  let connected = false
  let closed = false
  const channels = new Set<string>()
  const onMessage = (_message: string, channel: string): void => events.onMessage(channel)

  const connect = (): void => {
    own = make()
    const mine = own
    mine
      .connect()
      .then(async () => {
        connected = true
        for (const channel of channels) await mine.subscribe(channel, onMessage)
        // Clusters and sentinels tell of no readiness.
        if (isCluster || isSentinel) events.onReady()
      })
      .catch((error: Error) => {
        events.onError(error)
        if (!closed && mine === own)
          setTimeout(() => !closed && mine === own && connect(), MOST_RETRY_MS).unref()
      })
  }
  return {
    isCluster,
    get isReady() {
      return connected && (isCluster || isSentinel ? own.isOpen : own.isReady === true)
    },
    connect,
    send: (key, args) =>
      isCluster
        ? own.sendCommand(key, false, args, OURS)
        : isSentinel
          ? own.sendCommand(false, args, OURS)
          : own.sendCommand(args, OURS),
    async subscribe(channel) {
      channels.add(channel)
      if (connected) await own.subscribe(channel, onMessage)
    },
    async unsubscribe(channel) {
      channels.delete(channel)
      // Without its listener, one that is subscribed to again before the reply would be forgotten.
      if (connected) await own.unsubscribe(channel, onMessage)
    },
    renew() {
      connected = false
      destroy(own)
      if (!closed) connect()
    },
    close() {
      closed = true
      destroy(own)
    },
  }
}

function socketOf(client: NodeRedis): object {
  const { options } = client as { options?: { socket?: object } }
  const reconnectStrategy = (retries: number): number =>
    Math.min(MOST_RETRY_MS, 20 * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2)
  return { ...options?.socket, reconnectStrategy }
}

function destroy(client: NodeRedis | undefined): void {
  try {
    client?.destroy()
  } catch {
    // It was not open.
  }
}
