/** The first file of a process of a pool. */
import { writeSync } from 'node:fs'
import { startGuard } from '../../worker/watchdog/guard.ts'
import { checkCrossing } from '../crossing.ts'
import type { FromWorker, ToWorker } from '../protocol.ts'
import type { Cursor } from './cursor.ts'
import { WorkLoop } from './work-loop.ts'

/** 3 is the line, 4 the pipe to the guard. */
const CURSOR_FD = 5
const FLUSH_MS = 500

// Terminals and service managers signal a whole group; the pool says when it is to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP'] as const) process.on(signal, () => {})

/** In a file without a name that the pool has open too: it can be read when this process is dead. */
function fileCursor(): Cursor {
  const bytes = Buffer.alloc(4)
  return {
    begin(number) {
      bytes.writeInt32LE(number + 1)
      writeSync(CURSOR_FD, bytes, 0, 4, 0)
      return true
    },
  }
}

const send = (message: unknown, done: () => void = () => {}): void => {
  if (process.connected) process.send!(message, undefined, undefined, done)
  else done()
}
// What is loaded may block, and the pool may be gone then.
startGuard(() => {})
const loop = new WorkLoop({
  post: (message: FromWorker) => {
    if (Array.isArray(message)) checkCrossing(message)
    send(message)
  },
  cursor: fileCursor(),
  ring: undefined,
  memoryBytes: () => process.memoryUsage.rss(),
  end: (message, exitCode) => {
    setTimeout(() => process.exit(exitCode), FLUSH_MS)
    send(message, () => process.exit(exitCode))
  },
})
process.on('uncaughtExceptionMonitor', (error) => loop.dying(error))
process.on('message', (message: ToWorker) => loop.hear(message))
process.on('disconnect', () => process.exit(1))
process.on('exit', () => loop.flush())
