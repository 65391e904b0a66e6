import { once } from 'node:events'
import type { Server } from 'node:http'
import { Worker, type Logger } from 'millhand'

/** Minds a web server that listens already: requests that are under way when it is stopped are answered. */
export class WebServer extends Worker<{ readonly server: Server }> {
  constructor(server: Server, logger: Logger) {
    super({ name: 'web', server, logger })
  }

  protected override async main(): Promise<void> {
    if (!this.signal.aborted) await once(this.signal, 'abort')
  }

  protected override async teardown(): Promise<void> {
    const { server } = this.options
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    await closed
  }
}
