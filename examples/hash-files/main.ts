/** SHA-256 of every file of a tree: the files are durable jobs, worked off by several processes. */
import { createLogger, Server, WorkerGroup } from 'millhand'
import { HashCalculator } from './hash-calculator.ts'
import { HashRun } from './hash-run.ts'
import { hashQueue } from './hashes.ts'
import { readOptions } from './options.ts'

const { root, processes, db, chunkBytes } = readOptions(process.argv.slice(2))
const logger = createLogger(process.env['LOG_LEVEL'] === undefined ? { level: 'warn' } : {})
const queue = hashQueue(db, logger)
// The schema is made before several processes open the file at once.
await queue.backend.open()

const server = new Server({ logger, onGiveUp: 'exit' })
const run = new HashRun({ root, queue, logger, onEnd: () => void server.stop() })
server.add(
  new WorkerGroup(HashCalculator, { name: 'hash', replicas: processes, options: { db, chunkBytes }, logger }),
)
server.add(run, { restart: 'temporary' })
await server.runForever()
await queue.close()

const { summary } = run
for (const failure of summary?.failures ?? []) console.error(`error: ${failure}`)
if (summary === undefined) {
  console.error('stopped before all was hashed; start it again to go on')
} else {
  const { files, symlinks, others, failures } = summary
  console.error(
    `${files} files, ${failures.length} failed; left out: ${symlinks} symbolic links, ${others} others`,
  )
}
// Whoever reads the list must know that it is not whole.
if (summary === undefined || summary.failures.length > 0) process.exitCode = 1
