import type { Argument, Driver, DriverEvents } from './driver.ts'

/** What is asked of a `Redis` or `Cluster` of ioredis. */
export interface IoredisClient {
  readonly isCluster: boolean
  readonly status: string
  duplicate(...options: never[]): unknown
  disconnect(reconnect?: boolean): void
  callBuffer(command: string, ...args: never[]): unknown
}

/** The same, as it is used here. */
interface Ioredis {
  readonly isCluster: boolean
  readonly status: string
  duplicate(...options: unknown[]): Ioredis
  connect(): Promise<unknown>
  disconnect(reconnect?: boolean): void
  callBuffer(command: string, args: readonly Argument[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  on(event: string, listener: (...args: never[]) => void): unknown
}

export function isIoredis(value: unknown): value is IoredisClient {
  const { callBuffer, duplicate, status } = (value ?? {}) as Partial<Record<keyof IoredisClient, unknown>>
  return typeof callBuffer === 'function' && typeof duplicate === 'function' && typeof status === 'string'
}

/** Waiting grows to this between two tries to connect, ms. */
const MOST_RETRY_MS = 500
const CONNECT_MS = 5_000

/** Nothing is kept for later or sent again by the driver: who called decides what to do after a failure. */
const CONNECTION = {
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: true,
  connectTimeout: CONNECT_MS,
  keepAlive: 10_000,
  retryStrategy,
}

function retryStrategy(times: number): number {
  return Math.min(MOST_RETRY_MS, 20 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2)
}

export function overIoredis(client: IoredisClient, events: DriverEvents): Driver {
  const original = client as unknown as Ioredis
  const own = original.isCluster
    ? original.duplicate([], {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryStrategy,
        redisOptions: CONNECTION,
      })
    : original.duplicate(CONNECTION)
  own.on('ready', events.onReady)
  own.on('error', events.onError)
  own.on('message', (channel: string) => events.onMessage(channel))
  return {
    isCluster: own.isCluster,
    get isReady() {
      return own.status === 'ready'
    },
    connect: () => void own.connect().catch(events.onError),
    send: (_key, [command, ...args]) => own.callBuffer(command as string, args),
    subscribe: async (channel) => void (await own.subscribe(channel)),
    unsubscribe: async (channel) => void (await own.unsubscribe(channel)),
    renew: () => own.disconnect(true),
    close: () => own.disconnect(),
  }
}
