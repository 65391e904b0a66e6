/** An HTTP server whose requests cost seconds of CPU, and which answers others in milliseconds meanwhile. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WorkerPool } from 'millhand/pool'
import { readOptions } from './options.ts'
import { requestListener } from './request-listener.ts'

const { port, workers, maxQueue, timeoutMs, graceMs } = readOptions(process.argv.slice(2))
const module = new URL('./primes.ts', import.meta.url)
const pool = new WorkerPool<typeof import('./primes.ts')>(module, {
  min: workers,
  max: workers,
  // A "no" at once is better than an answer that comes when nobody waits for it any more.
  maxQueue,
  timeout: timeoutMs,
})
// The first request need not wait for a thread; and were the module broken, this process would not start.
await pool.start()

const server = createServer()
server.on('request', requestListener(pool, server))
server.listen(port, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

// Once: the second Ctrl-C ends the process the hard way.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void shutDown())

/** Takes no more connections, and answers the requests that it has, with 503 if that takes too long. */
async function shutDown(): Promise<void> {
  server.close()
  await pool.close({ timeout: graceMs })
  // A client that never finishes its request, or never reads its answer, must not keep the process.
  setTimeout(() => server.closeAllConnections(), 500).unref()
}
