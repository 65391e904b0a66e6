import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { HOST } from '../test/servers/port.ts'

/** One connection through the proxy. */
interface Line {
  readonly client: Socket
  readonly server: Socket
  /** Nothing passes any more, and nobody is told. */
  silent: boolean
  /** What the server says is swallowed. */
  deaf: boolean
}

/** A way to a server on which things go wrong. */
export class Proxy {
  readonly #listener: Server
  readonly #lines = new Set<Line>()
  #delayMs = 0

  private constructor(listener: Server) {
    this.#listener = listener
  }

  /** @param port of the server. */
  static async to(port: number): Promise<Proxy> {
    // Either side may end its part of a connection before the other does.
    const listener = createServer({ allowHalfOpen: true, noDelay: true })
    const proxy = new Proxy(listener)
    listener.on('connection', (client) => proxy.#connect(client, port))
    listener.listen(0, HOST)
    await once(listener, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port
  }

  /** All connections are reset. @returns how many. */
  drop(): number {
    return this.#each(({ client, server }) => {
      client.resetAndDestroy()
      server.resetAndDestroy()
    })
  }

  /** What the server is asked reaches it; then the connections are reset before it has answered. */
  async loseReplies(forMs: number): Promise<number> {
    const hit = this.#speaking()
    for (const line of hit) line.deaf = true
    await new Promise((resolve) => setTimeout(resolve, forMs))
    for (const { client, server } of hit) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    return hit.length
  }

  /** The clients are told that the server says no more (`client`), or the server that its clients do not. */
  halfClose(whom: 'client' | 'server'): number {
    return this.#each((line) => line[whom].end())
  }

  /** Connections stay open, and nothing passes on them ever again; new ones work. */
  silence(): number {
    return this.#each((line) => {
      line.silent = true
    })
  }

  /** Whatever passes from now on takes so much longer, each way. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  async close(): Promise<void> {
    const closed = once(this.#listener, 'close')
    this.#listener.close()
    for (const { client, server } of this.#lines) {
      client.destroy()
      server.destroy()
    }
    await closed
  }

  #each(hit: (line: Line) => void): number {
    const lines = this.#speaking()
    for (const line of lines) hit(line)
    return lines.length
  }

  #speaking(): Line[] {
    return [...this.#lines].filter(({ silent }) => !silent)
  }

  #connect(client: Socket, port: number): void {
    const server = connect({ port, host: HOST, allowHalfOpen: true, noDelay: true })
    const line: Line = { client, server, silent: false, deaf: false }
    this.#lines.add(line)
    this.#pass(client, server, () => !line.silent)
    this.#pass(server, client, () => !line.silent && !line.deaf)
    const end = (): void => {
      // A silent line tells nobody; its other side ends when whoever waits there gives up.
      if (!line.silent) {
        client.destroy()
        server.destroy()
      }
      if (client.destroyed && server.destroyed) this.#lines.delete(line)
    }
    for (const socket of [client, server]) {
      socket.on('error', () => socket.destroy())
      socket.on('close', end)
    }
  }

  /** In order, however the delay changes. */
  #pass(from: Socket, to: Socket, passes: () => boolean): void {
    let last = Promise.resolve()
    const later = (act: () => void): void => {
      const dueAt = performance.now() + this.#delayMs
      last = last.then(async () => {
        const left = dueAt - performance.now()
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
        if (passes() && !to.destroyed) act()
      })
    }
    from.on('data', (chunk) => later(() => to.write(chunk)))
    from.on('end', () => later(() => to.end()))
  }
}
