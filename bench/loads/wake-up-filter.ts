import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Whether what a server has sent is nothing but wake-ups: such a thing comes alone, when nothing else goes on. */
export type IsWakeUp = (sent: Buffer) => boolean

/** A message of a channel, on a connection that listens, in either version of Redis' protocol. */
export const isRedisMessage: IsWakeUp = (sent) => /^[*>]3\r\n\$7\r\nmessage\r\n/.test(sent.toString('latin1'))

/** NotificationResponse: an A, then its length. */
export const isPostgresNotification: IsWakeUp = (sent) => sent[0] === 'A'.charCodeAt(0)

/** Stands before a server and passes everything on, but for wake-ups once these are to be lost. */
export class WakeUpFilter {
  readonly #isWakeUp: IsWakeUp
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#pass(client))
  #loses = false
  #lost = 0

  private constructor(target: string, isWakeUp: IsWakeUp) {
    this.#target = new URL(target)
    this.#isWakeUp = isWakeUp
  }

  static async before(target: string, isWakeUp: IsWakeUp): Promise<WakeUpFilter> {
    const filter = new WakeUpFilter(target, isWakeUp)
    filter.#server.listen(0, '127.0.0.1')
    await once(filter.#server, 'listening')
    return filter
  }

  /** The server, by way of the filter. */
  get url(): string {
    const url = new URL(this.#target)
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  /** How many times wake-ups were lost. */
  get lost(): number {
    return this.#lost
  }

  lose(): void {
    this.#loses = true
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #pass(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true)
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
    client.on('data', (sent) => server.write(sent))
    server.on('data', (sent: Buffer) => {
      if (this.#loses && this.#isWakeUp(sent)) this.#lost++
      else client.write(sent)
    })
  }
}
