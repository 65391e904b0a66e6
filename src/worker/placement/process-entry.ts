/** The first file of the process of a worker. */
import { startGuard } from '../watchdog/guard.ts'
import { Child } from './child.ts'
import { childLogger } from './child-logger.ts'
import type { ToChild } from './protocol.ts'

/** A line that is full or broken must not keep a process that has ended its work. */
const FLUSH_MS = 5000

// Terminals and service managers signal a whole group; whoever minds this process says when it is to stop.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP'] as const) process.on(signal, () => {})

const send = (message: unknown, done: () => void = () => {}): void => {
  if (process.connected) process.send!(message, undefined, undefined, done)
  else done()
}
const logger = childLogger(send, false)
const noGuard = (error: Error): void =>
  logger.warn({ err: error }, 'no guard: where the event loop of this process is blocked will not be told')
// Before anything of the worker's module runs that might block, and beside the rest of its start.
startGuard(noGuard)
const child = new Child('process', {
  post: send,
  end: (message, exitCode) => {
    setTimeout(() => process.exit(exitCode), FLUSH_MS)
    send(message, () => process.exit(exitCode))
  },
})
process.on('message', (message: ToChild) => child.hear(message))
process.on('disconnect', () => void child.orphaned())
// It may have gone while this file was loaded.
if (!process.connected) void child.orphaned()
