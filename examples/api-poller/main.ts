/** Follows a list of an HTTP API, and prints each new item. */
import { createLogger, Server } from 'millhand'
import { ApiPoller, type NewItems } from './api-poller.ts'
import { readOptions } from './options.ts'

const options = readOptions(process.argv.slice(2), process.env)
const logger = createLogger()
// Refused again and again, it has no purpose left: whoever runs it should see that.
const server = new Server({ logger, onGiveUp: 'exit' }).add(ApiPoller, { ...options, name: 'poller' })
server.get('poller').events.on('message', ({ message }) => {
  for (const item of (message as NewItems).items) console.log(JSON.stringify(item))
})
await server.runForever()
