/** The first file of the thread of a worker. */
import { parentPort } from 'node:worker_threads'
import { Child } from './child.ts'
import type { ToChild } from './protocol.ts'

/** Output that nobody takes must not keep a thread that has ended its work. */
const FLUSH_MS = 500

// Typed as absent because this file could be imported elsewhere; it never is.
const port = parentPort!
const child = new Child('thread', {
  post: (message) => port.postMessage(message),
  // The runner is handed what was posted before it hears of the exit.
  end: (message, exitCode) => {
    port.postMessage(message)
    setTimeout(() => process.exit(exitCode), FLUSH_MS)
    // The exit of a thread would cut off what it has printed and the other side has not taken yet.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)))
  },
})
port.on('message', (message: ToChild) => child.hear(message))
