/** Keeps one folder the same as another, on a fixed schedule. */
import { createLogger, Server } from 'millhand'
import { DirectorySync } from './directory-sync.ts'
import { readOptions } from './options.ts'

const options = readOptions(process.argv.slice(2))
const logger = createLogger(process.env['LOG_LEVEL'] === undefined ? { level: 'warn' } : {})
const server = new Server({ logger }).add(DirectorySync, { ...options, name: 'sync' })
const sync = server.get('sync')
sync.events.on('message', ({ message }) => console.log(JSON.stringify(message)))
await server.runForever()
const { processedCount, errorCount } = sync.status()
if (options.once && (processedCount === 0 || errorCount > 0)) process.exitCode = 1
