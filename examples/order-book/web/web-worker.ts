import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Worker, type Logger } from 'millhand'
import type { BookService } from '../book-service.ts'
import { BookSockets } from './book-sockets.ts'
import { routes } from './routes.ts'

export interface WebOptions {
  readonly service: BookService
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** Serves the books over HTTP and WebSocket. */
export class WebWorker extends Worker<WebOptions, { http: Server; sockets: BookSockets }> {
  constructor(options: WebOptions, logger: Logger) {
    super({ name: 'web', ...options, logger })
  }

  /** Where it listens, once it is started. */
  get url(): string {
    const { address, family, port } = this.context.http.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  protected override async setup(): Promise<void> {
    const { service, host, port } = this.options
    const http = createAdaptorServer({ fetch: routes(service).fetch }) as Server
    const listening = Promise.withResolvers<void>()
    http.once('error', (error) => listening.reject(explain(error, host, port)))
    http.listen(port, host, listening.resolve)
    await listening.promise
    this.context.http = http
    this.context.sockets = new BookSockets(http, service)
  }

  protected override async main(): Promise<void> {
    if (!this.signal.aborted) await once(this.signal, 'abort')
  }

  protected override async teardown(): Promise<void> {
    // Absent when it could not listen.
    const { http, sockets } = this.context as Partial<typeof this.context>
    if (http === undefined) return
    sockets?.close()
    const closed = once(http, 'close')
    http.close()
    http.closeIdleConnections()
    await closed
  }
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error
  return new Error(`port ${port} of ${host} is taken; choose another with --port, or any with --port 0`, {
    cause: error,
  })
}
