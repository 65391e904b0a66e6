/** Files are read in a thread, looked at in processes, and what was found is saved, with queues between. */
import { resolve } from 'node:path'
import { createLogger, MillhandError, Server, WorkerGroup } from 'millhand'
import { audit } from './audit.ts'
import { FetchStage } from './fetch-stage.ts'
import { readOptions, USAGE, type Options } from './options.ts'
import { openQueues } from './queues.ts'
import { summary, type Report } from './report.ts'
import { openResults, resultsFile } from './results.ts'
import { SaveStage } from './save-stage.ts'
import { Source } from './source.ts'
import { TransformStage } from './transform-stage.ts'
import { UserError } from './user-error.ts'

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(USAGE)
  else await run(options)
} catch (error) {
  const isExplained = error instanceof UserError || error instanceof MillhandError
  console.error(isExplained ? `error: ${error.message}` : error)
  process.exitCode = 1
}

async function run({ roots, once, json, processes, ...options }: Options): Promise<void> {
  const logger = createLogger(process.env['LOG_LEVEL'] === undefined ? { level: 'warn' } : {})
  const db = resolve(options.db)
  const { queues, close } = openQueues(db, logger)
  let last: Report | undefined
  const onDrained = async (ids: readonly string[]): Promise<void> => {
    const results = openResults(resultsFile(db))
    last = { ...(await audit(ids, queues)), ...results.totals() }
    results.close()
    console.log(json ? JSON.stringify(last) : summary(last))
    if (once) void server.stop()
  }

  // The last stage starts first and stops last: whoever passes something on finds somebody to take it.
  const server = new Server({ logger })
    .add(SaveStage, { name: 'save', db })
    .add(new WorkerGroup(TransformStage, { name: 'transform', replicas: processes, options: { db }, logger }))
    .add(FetchStage, { name: 'fetch', db })
    .add(
      new Source({
        name: 'source',
        roots: roots.map((root) => resolve(root)),
        queues,
        once,
        onDrained,
        logger,
      }),
    )
  await server.runForever()
  await close()
  if (once && last?.lost !== 0) process.exitCode = 1
}
