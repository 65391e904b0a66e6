import type { Command } from 'commander'
import { createLogger, type Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import { QueueWorker } from '../queue/consume/queue-worker.ts'
import type { AnyQueue } from '../queue/any-queue.ts'
import { Server } from '../server/server.ts'
import { address, type Address } from './address.ts'
import { allOf } from './all-of.ts'
import { endSoon } from './end-soon.ts'
import { examples } from './examples.ts'
import { EXIT_FAILED } from './failure.ts'
import { loadModule } from '../core/load-module.ts'
import { openProbes } from './open-probes.ts'
import { runnablesOf } from './runnables.ts'
import type { Session } from './session.ts'

/** What closing the queues may take; a store that is gone must not keep the process. */
const CLOSE_MS = 5000

/** `millhand run <file>` */
export function addRun(parent: Command, session: Session): void {
  parent
    .command('run')
    .argument('<file>', 'TypeScript or JavaScript; Node itself leaves the types out')
    .description(
      'run every worker and server that a file exports, until SIGTERM or SIGINT, or until all have ended',
    )
    .option(
      '--probes <address>',
      'answer GET /startup, /ready and /live there, as 127.0.0.1:8080; a port alone is on loopback',
      address,
    )
    .option('--json', 'log lines of JSON even to a terminal')
    .option('--debug', 'show the stack of an error')
    .addHelpText(
      'after',
      `
Workers that belong to an exported server are run by it, others by a server that is made for them. The first
SIGTERM or SIGINT lets running jobs end and hands back the others; a second one kills. The log goes to standard
error, as JSON unless that is a terminal; LOG_LEVEL (debug, info, warn, error, silent) says how much of it.

The probes are what Kubernetes and load balancers ask: 200, or 503 with the reason as JSON. They answer until the
end; while it drains it is live and not ready. Under systemd it says the same with sd_notify.
${examples(
  'millhand run mail.ts',
  'millhand run mail.ts --probes 0.0.0.0:8080',
  'LOG_LEVEL=debug millhand run dist/mail.js --json',
)}`,
    )
    .action(async (file: string, options: { readonly probes?: Address }) => {
      try {
        // Said by the environment, for the workers of the file make loggers of their own, in threads too.
        if (session.json) process.env['LOG_FORMAT'] = 'json'
        session.exitCode = await run(file, createLogger(), options.probes)
      } catch (error) {
        endSoon(EXIT_FAILED)
        throw error
      }
      endSoon(session.exitCode)
    })
}

/** @returns the exit code: that of the servers, the worst of them. */
async function run(file: string, logger: Logger, probesAt: Address | undefined): Promise<number> {
  const { servers, workers, queues } = runnablesOf(await loadModule(file), file)
  const [first = new Server({ logger }), ...others] = servers
  for (const worker of workers) first.add(worker)
  const all = [first, ...others]
  const handles = all.flatMap((server) => server.workers)
  for (const { name: worker, events } of handles) {
    // Failures are logged by the workers themselves, attempts by those that have a queue.
    events.on('startup', () => logger.info({ worker }, 'worker started'))
    events.on('shutdown', () => logger.info({ worker }, 'worker stopped'))
  }
  const probes = probesAt === undefined ? undefined : await openProbes(allOf(all), probesAt, logger)
  logger.info({ workers: handles.map(({ name }) => name) }, `running ${file}`)
  const codes = await Promise.all(all.map((server) => server.runForever()))
  const fed = workers.filter((worker) => worker instanceof QueueWorker).map(({ queue }) => queue)
  const code = Math.max(...codes, await close(new Set([...queues, ...fed]), logger))
  await probes?.stop()
  return code
}

async function close(queues: ReadonlySet<AnyQueue>, logger: Logger): Promise<number> {
  let code = 0
  const closing = [...queues].map((queue) =>
    queue.close().catch((err: unknown) => {
      code = EXIT_FAILED
      logger.error({ err, queue: queue.name }, `queue ${queue.name} could not be closed`)
    }),
  )
  if (await settledWithin(Promise.all(closing), CLOSE_MS)) return code
  logger.error({}, 'a queue is still not closed; ending without it')
  return EXIT_FAILED
}
