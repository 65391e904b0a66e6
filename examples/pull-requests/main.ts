/** `npm start`: the service, fed with every example payload that GitHub's webhooks have. */
import { MillhandError, Server } from 'millhand'
import { readOptions, type Options } from './options.ts'
import { ReplayWorker } from './replay/replay-worker.ts'
import { openService } from './service.ts'
import { UserError } from './user-error.ts'

try {
  await run(readOptions(process.argv))
} catch (error) {
  const isExplained = error instanceof UserError || error instanceof MillhandError
  console.error(isExplained ? `error: ${error.message}` : error)
  process.exitCode = 1
}

async function run(options: Options): Promise<void> {
  const { once, json, replay } = options
  const { workers, url, secret, queues, results, logger, close } = await openService(options, process.env)
  const server = new Server()
  for (const worker of workers) {
    server.add(worker)
    // One that cannot go on takes the service down: whoever runs it sees it, and nothing stored is lost.
    worker.events.on('shutdown', ({ error }) => void (error && server.stop()))
  }
  console.error(`listening on ${url}`)

  let isWhole = !once
  const onEnd = (whole: boolean): void => {
    isWhole = whole
    if (once) void server.stop()
    else console.error(`serving ${url}/pulls and ${url}/health until Ctrl-C`)
  }
  if (replay) server.add(new ReplayWorker({ url, secret, queues, results, json, logger, onEnd }))

  await server.runForever()
  await close()
  // A run that was to end by itself and did not has failed; one that served until Ctrl-C has not.
  if (once && !isWhole) process.exitCode = 1
}
