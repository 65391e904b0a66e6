/** The first file of the thread of a worker. */
import { parentPort, workerData } from 'node:worker_threads'
import { seedRandom } from '../../core/id.ts'
import { Child } from './child.ts'
import type { ToChild } from './protocol.ts'
import type { ThreadData } from './thread.ts'

// Typed as absent because this file could be imported elsewhere; it never is.
const port = parentPort!
seedRandom((workerData as ThreadData).seed)
const child = new Child('thread', {
  post: (message) => port.postMessage(message),
  // The runner is handed what was posted before it hears of the exit.
  end: (message, exitCode) => {
    port.postMessage(message)
    process.exit(exitCode)
  },
})
port.on('message', (message: ToChild) => child.hear(message))
