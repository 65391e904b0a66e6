import { WebSocket } from 'ws'

/** How a connection ended: by us, or by the reason that is told. */
export type Ending = 'closed' | 'refused' | 'silent' | 'too large' | 'gone'

export interface ConnectionListener {
  /** It is open, and the assets are asked for. */
  opened(connection: FeedConnection): void
  /** The bytes of a frame that is text; undefined for one that is not. */
  frame(connection: FeedConnection, text: Buffer | undefined): void
  /** Once, at the end; never after `close`. */
  ended(connection: FeedConnection, ending: Ending): void
}

export interface ConnectionOptions {
  readonly url: string
  readonly assets: readonly string[]
  /** Without any frame for so long, PONG included, it is given up. */
  readonly silenceMs: number
  readonly pingMs: number
  /** A larger frame ends the connection before it is read. */
  readonly maxFrameBytes: number
}

const KEEP_ALIVE_LENGTH = 4
const HANDSHAKE_MS = 10_000
/** Characters that are held of markets that it does not own yet. */
const MAX_HELD = 32 * 1024 * 1024

/** One connection to the feed, from its opening to its end. Who wants another one makes it. */
export class FeedConnection {
  readonly assets: ReadonlySet<string>
  /** Assets whose book has not come here. */
  readonly missing: Set<string>
  /** It sent something that cannot be read, and is to be replaced. */
  isMistrusted = false
  readonly openedAt: number = Date.now()
  readonly #listener: ConnectionListener
  readonly #options: ConnectionOptions
  readonly #socket: WebSocket
  readonly #ping: NodeJS.Timeout
  #lastFrameAt = Date.now()
  #isOpen = false
  #ending: Ending | undefined
  #frames = 0
  /** What came of markets that it does not own yet. */
  readonly #held = new Map<string, string[]>()
  #heldLength = 0

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options
    this.#listener = listener
    this.assets = new Set(options.assets)
    this.missing = new Set(options.assets)
    this.#socket = new WebSocket(options.url, {
      ...{ maxPayload: options.maxFrameBytes, handshakeTimeout: HANDSHAKE_MS, perMessageDeflate: false },
    })
    this.#socket.on('open', () => this.#onOpen())
    this.#socket.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary))
    // What is wrong shows in how it ends.
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#ending ??= 'too large'
    })
    this.#socket.on('close', () => this.#onClose())
    this.#ping = setInterval(() => this.#beat(), options.pingMs)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Nothing is read from it. */
  get isPaused(): boolean {
    return this.#socket.isPaused
  }

  get frames(): number {
    return this.#frames
  }

  /** ms since 1970. */
  get lastFrameAt(): number {
    return this.#lastFrameAt
  }

  get isHealthy(): boolean {
    return this.#isOpen && Date.now() - this.#lastFrameAt < this.#options.silenceMs
  }

  /** Keeps what came of a market that another connection still tells of. @returns false when there is too much. */
  hold(market: string, text: string): boolean {
    this.#heldLength += text.length
    const held = this.#held.get(market)
    if (held === undefined) this.#held.set(market, [text])
    else held.push(text)
    return this.#heldLength <= MAX_HELD
  }

  holds(market: string): boolean {
    return this.#held.has(market)
  }

  /** Gives what was kept, in its order. */
  unhold(market: string): readonly string[] {
    const held = this.#held.get(market) ?? []
    this.#held.delete(market)
    for (const { length } of held) this.#heldLength -= length
    return held
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    // What was not read meanwhile is no silence.
    this.#lastFrameAt = Date.now()
    this.#socket.resume()
  }

  /** Ends it; its listener hears nothing of it any more. */
  close(): void {
    this.#ending = 'closed'
    clearInterval(this.#ping)
    this.#held.clear()
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close()
    const end = setTimeout(() => this.#socket.terminate(), 1000)
    end.unref()
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#socket.terminate()
  }

  #onOpen(): void {
    this.#isOpen = true
    this.#lastFrameAt = Date.now()
    this.#socket.send(JSON.stringify({ assets_ids: [...this.assets], type: 'market' }))
    if (this.#ending === undefined) this.#listener.opened(this)
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#ending !== undefined) return
    this.#lastFrameAt = Date.now()
    if (isBinary) return this.#listener.frame(this, undefined)
    if (data.length === KEEP_ALIVE_LENGTH) {
      const text = data.toString()
      if (text === 'PONG') return
      if (text === 'PING') return this.#socket.send('PONG')
    }
    this.#frames++
    this.#listener.frame(this, data)
  }

  #beat(): void {
    if (this.#socket.isPaused) return
    if (Date.now() - this.#lastFrameAt >= this.#options.silenceMs) {
      this.#ending ??= 'silent'
      this.#socket.terminate()
    } else if (this.#isOpen) this.#socket.send('PING')
  }

  #onClose(): void {
    clearInterval(this.#ping)
    const wasOpen = this.#isOpen
    this.#isOpen = false
    if (this.#ending === 'closed') return
    this.#held.clear()
    this.#listener.ended(this, this.#ending ?? (wasOpen ? 'gone' : 'refused'))
  }
}
