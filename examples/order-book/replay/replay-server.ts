import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { FaultyLine, type Faults } from '../frames.ts'
import type { Exchange, ExchangeFrame } from './exchange.ts'

export interface ReplayOptions {
  readonly exchange: Exchange
  readonly seed: number
  readonly faults: Faults
  /** Hears each frame as the exchange tells it, before any fault. */
  readonly onFrame?: (text: string) => void
}

/** As the real feed: who asks for more at once gets no books, and is told nothing of it. */
const MOST_ASSETS = 750
/** What is on its way to one connection before nothing more is sent to anyone, bytes. */
const MOST_WAITING = 4 * 1024 * 1024
/** A turn of the loop sends so many. */
const AT_ONCE = 200

/** One that listens. */
interface Line {
  readonly socket: WebSocket
  readonly line: FaultyLine
  readonly assets: ReadonlySet<string>
  readonly markets: ReadonlySet<string>
  /** Assets of which something was kept from it since it was sent their book. */
  readonly withheld: Set<string>
}

/** A feed on the loopback interface: the frames of an exchange, each connection with faults of its own. */
export class ReplayServer {
  readonly #options: ReplayOptions
  readonly #server: WebSocketServer
  readonly #lines = new Set<Line>()
  #connections = 0
  #isClosed = false
  #sent = 0

  private constructor(options: ReplayOptions, server: WebSocketServer) {
    this.#options = options
    this.#server = server
    server.on('connection', (socket) => this.#accept(socket))
  }

  static async listen(options: ReplayOptions): Promise<ReplayServer> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
    await once(server, 'listening')
    return new ReplayServer(options, server)
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that there were. */
  get connections(): number {
    return this.#connections
  }

  /** Frames sent, to all of them together; books that were asked for are not among them. */
  get sent(): number {
    return this.#sent
  }

  /** Assets of which a frame was kept from everyone who listens now, and of which no book was sent since. */
  withheld(): Set<string> {
    return new Set([...this.#lines].flatMap(({ withheld }) => [...withheld]))
  }

  /**
   * Sends so many frames of the exchange, and those that its last trade brings with it.
   * @param perSecond default: as fast as they are taken.
   */
  async play(frames: number, perSecond: number = Infinity): Promise<void> {
    const from = performance.now()
    for (let done = 0; done < frames && !this.#isClosed;) {
      const due = Math.min(frames, done + AT_ONCE, ((performance.now() - from) / 1000) * perSecond)
      const isFull = [...this.#lines].some(({ socket }) => socket.bufferedAmount > MOST_WAITING)
      if (!isFull) for (; done < due; done++) this.#send(this.#options.exchange.next())
      await new Promise((resolve) => void (done < due ? setTimeout(resolve, 1) : setImmediate(resolve)))
      if (perSecond !== Infinity) await new Promise((resolve) => void setTimeout(resolve, 5))
    }
    while (this.#options.exchange.isMidTrade) this.#send(this.#options.exchange.next())
    for (const line of this.#lines) for (const frame of line.line.end()) this.#deliver(line, frame.text)
  }

  /** Resolves when everyone who listens has received all that was sent. */
  async drained(): Promise<void> {
    const sockets = [...this.#lines].map(({ socket }) => socket)
    const open = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN)
    await Promise.all(
      open.map(async (socket) => {
        const answered = new Promise<void>((resolve) => {
          const done = (): void => {
            socket.off('pong', done).off('close', done)
            resolve()
          }
          socket.on('pong', done).on('close', done)
        })
        socket.ping()
        await answered
      }),
    )
  }

  /** All connections are cut, as by a fault of the net. */
  cut(): void {
    for (const socket of this.#server.clients) socket.terminate()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.cut()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #accept(socket: WebSocket): void {
    const line = new FaultyLine(this.#options.seed + this.#connections++, this.#options.faults)
    let listening: Line | undefined
    socket.on('error', () => {})
    socket.on('close', () => listening && this.#lines.delete(listening))
    socket.on('message', (data: Buffer) => {
      const text = data.toString()
      if (text === 'PING') return socket.send('PONG')
      const asked = assetsOf(text)
      if (asked === undefined) return socket.close(1008, 'expected {"assets_ids":[...],"type":"market"}')
      if (listening !== undefined) this.#lines.delete(listening)
      const { exchange } = this.#options
      const assets = new Set(asked.filter((asset) => exchange.marketOf(asset) !== undefined))
      const markets = new Set([...assets].map((asset) => exchange.marketOf(asset)!))
      listening = { socket, line, assets, markets, withheld: new Set() }
      this.#lines.add(listening)
      if (asked.length > MOST_ASSETS) return
      socket.send(`[${[...assets].map((asset) => exchange.bookText(asset)!).join(',')}]`)
    })
  }

  #send(frame: ExchangeFrame): void {
    this.#options.onFrame?.(frame.text)
    for (const line of this.#lines) {
      if (!line.markets.has(frame.market)) continue
      if (frame.asset !== undefined && !line.assets.has(frame.asset)) continue
      const arriving = line.line.send(frame)
      const isWhole = arriving.some(({ text }) => text.includes(frame.text))
      // A book tells all that was kept back before it.
      if (!isWhole) for (const asset of frame.assets) line.withheld.add(asset)
      else if (frame.type === 'book' && frame.asset !== undefined) line.withheld.delete(frame.asset)
      for (const { text } of arriving) this.#deliver(line, text)
    }
  }

  #deliver({ socket }: Line, text: string): void {
    if (socket.readyState !== WebSocket.OPEN) return
    this.#sent++
    socket.send(text)
  }
}

function assetsOf(text: string): string[] | undefined {
  try {
    const { assets_ids: assets, type } = JSON.parse(text) as { assets_ids?: unknown; type?: unknown }
    if (type !== 'market' || !Array.isArray(assets)) return undefined
    return assets.filter((asset) => typeof asset === 'string')
  } catch {
    return undefined
  }
}
