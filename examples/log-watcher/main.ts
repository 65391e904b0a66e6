/** Follows log files: a thread for each of them stores the lines that match, and a queue worker prints them. */
import { basename } from 'node:path'
import { createLogger, Server } from 'millhand'
import { LastToLeave } from './last-to-leave.ts'
import { LogWatcher } from './log-watcher.ts'
import { matchQueue, printer } from './matches.ts'
import { readOptions } from './options.ts'

const options = readOptions(process.argv.slice(2))
const logger = createLogger()
const queue = matchQueue(options.db, logger)
const server = new Server({ logger, onGiveUp: options.once ? 'exit' : 'unhealthy' })
server.add(printer(queue, logger))
for (const [index, watcher] of options.watchers.entries()) {
  const name = `${basename(watcher.path)}#${index}`
  // Two at once would read the same lines, so a reload ends the old one first.
  server.add(LogWatcher, { ...watcher, name }, { reload: 'replace' })
}
const last = new LastToLeave({ server, queue, logger })
if (options.once) server.add(last)
await server.runForever()
await queue.close()
// A run that was to end by itself, and was stopped before, has not done what it was asked to.
if (options.once && !last.isDone) process.exitCode = 1
