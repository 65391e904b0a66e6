import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { BookService } from '../book-service.ts'

const PATH = '/ws/orderbook'
const DEFAULT_INTERVAL_MS = 500
const [MIN_INTERVAL_MS, MAX_INTERVAL_MS] = [50, 60_000]
const DEPTH = 10
const MAX_CLIENTS = 1000
const MAX_SUBSCRIPTIONS = 200
/** Who does not read is sent nothing more meanwhile, bytes. */
const MAX_WAITING = 1024 * 1024
const MAX_REQUEST = 4096
const PING_MS = 30_000

/**
 * Books over WebSocket: `{"subscribe": ASSET, "interval_ms": 500}` is answered by `{"orderbook": {...}}`, at once and
 * then at that interval, until `{"unsubscribe": ASSET}`; what cannot be done by `{"error": ...}`.
 */
export class BookSockets {
  readonly #service: BookService
  readonly #server: WebSocketServer
  readonly #timers = new WeakMap<WebSocket, Map<string, NodeJS.Timeout>>()
  readonly #silent = new WeakSet<WebSocket>()
  readonly #ping: NodeJS.Timeout

  constructor(http: Server, service: BookService) {
    this.#service = service
    this.#server = new WebSocketServer({ noServer: true, maxPayload: MAX_REQUEST })
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const isFull = this.#server.clients.size >= MAX_CLIENTS
      if (isFull || new URL(request.url ?? '/', 'http://localhost').pathname !== PATH) {
        socket.on('error', () => {})
        return void socket.end(`HTTP/1.1 ${isFull ? '503 Service Unavailable' : '404 Not Found'}\r\n\r\n`)
      }
      this.#server.handleUpgrade(request, socket, head, (client) => this.#accept(client))
    })
    this.#ping = setInterval(() => this.#pingAll(), PING_MS)
  }

  /** Says goodbye to everyone. */
  close(): void {
    clearInterval(this.#ping)
    for (const client of this.#server.clients) {
      client.close(1001, 'the service stops')
      setTimeout(() => client.terminate(), 500).unref()
    }
    this.#server.close()
  }

  #accept(client: WebSocket): void {
    const timers = new Map<string, NodeJS.Timeout>()
    this.#timers.set(client, timers)
    // Whatever is wrong with it ends in its close.
    client.on('error', () => {})
    client.on('pong', () => this.#silent.delete(client))
    client.on('close', () => {
      for (const timer of timers.values()) clearInterval(timer)
    })
    client.on('message', (data: Buffer, isBinary) => {
      const problem = isBinary ? 'expected a message to be text' : this.#take(client, timers, data.toString())
      if (problem !== undefined) send(client, { error: problem })
    })
  }

  /** @returns what is wrong with it. */
  #take(client: WebSocket, timers: Map<string, NodeJS.Timeout>, text: string): string | undefined {
    const request = requestOf(text)
    if (typeof request === 'string') return request
    const { asset, intervalMs } = request
    clearInterval(timers.get(asset))
    timers.delete(asset)
    if (intervalMs === undefined) return undefined
    if (this.#service.feed.registry.get(asset) === undefined)
      return `nobody follows an asset of the name ${asset}`
    if (timers.size >= MAX_SUBSCRIPTIONS)
      return `expected at most ${MAX_SUBSCRIPTIONS} subscriptions of one client`
    let isAsking = false
    const tell = (): void => {
      if (isAsking || client.bufferedAmount > MAX_WAITING) return
      isAsking = true
      void this.#tell(client, asset).finally(() => (isAsking = false))
    }
    timers.set(asset, setInterval(tell, intervalMs))
    tell()
    return undefined
  }

  async #tell(client: WebSocket, asset: string): Promise<void> {
    try {
      const orderbook = await this.#service.book(asset, DEPTH)
      send(client, orderbook === null ? { error: 'its book has not come yet', asset } : { orderbook })
    } catch {
      send(client, { error: 'its worker did not answer in time', asset })
    }
  }

  #pingAll(): void {
    for (const client of this.#server.clients) {
      if (this.#silent.has(client)) client.terminate()
      this.#silent.add(client)
      client.ping()
    }
  }
}

interface SocketRequest {
  readonly asset: string
  /** Undefined: no more. */
  readonly intervalMs: number | undefined
}

/** What is asked for, or what is wrong with it. */
function requestOf(text: string): SocketRequest | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'expected a message to be JSON'
  }
  const {
    subscribe,
    unsubscribe,
    interval_ms: interval = DEFAULT_INTERVAL_MS,
  } = Object(value) as Record<string, unknown>
  if (typeof unsubscribe === 'string') return { asset: unsubscribe, intervalMs: undefined }
  if (typeof subscribe !== 'string' || subscribe.length > 256) {
    return 'expected {"subscribe": ASSET, "interval_ms": 500} or {"unsubscribe": ASSET}'
  }
  if (typeof interval !== 'number' || !(interval >= MIN_INTERVAL_MS && interval <= MAX_INTERVAL_MS)) {
    return `expected interval_ms to be a number from ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}`
  }
  return { asset: subscribe, intervalMs: interval }
}

function send(client: WebSocket, value: object): void {
  if (client.readyState === WebSocket.OPEN) client.send(JSON.stringify(value))
}
