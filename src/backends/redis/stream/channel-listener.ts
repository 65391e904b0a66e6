import { Connection, type ConnectionOptions } from '../connection.ts'

/** A connection that only listens would not notice that it is half-open. */
const PING_MS = 20_000

/** Hears of what is published, over a connection of its own, which listens again by itself after it was lost. */
export class ChannelListener {
  readonly #connection: Connection
  readonly #heard = new Map<string, () => void>()
  readonly #ping: NodeJS.Timeout

  constructor(options: ConnectionOptions) {
    this.#connection = new Connection({
      ...options,
      // What was published while there was no connection went unheard.
      onReady: () => {
        for (const channel of this.#heard.keys()) this.#subscribe(channel)
      },
      onMessage: (channel) => this.#heard.get(channel)?.(),
    })
    this.#ping = setInterval(() => {
      this.#connection.command('', ['PING']).catch(() => {})
    }, PING_MS).unref()
  }

  /** Calls `heard` for each message, and whenever some may have been missed: one function a channel. */
  listen(channel: string, heard: () => void): void {
    this.#heard.set(channel, heard)
    this.#subscribe(channel)
  }

  unlisten(channel: string): void {
    this.#heard.delete(channel)
    this.#connection.unsubscribe(channel).catch(() => {})
  }

  close(): void {
    clearInterval(this.#ping)
    this.#heard.clear()
    this.#connection.close()
  }

  #subscribe(channel: string): void {
    this.#connection.subscribe(channel).then(
      () => this.#heard.get(channel)?.(),
      // No connection yet: it listens as soon as there is one.
      () => {},
    )
  }
}
