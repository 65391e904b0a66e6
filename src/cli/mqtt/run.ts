import type { Command } from 'commander'
import { createLogger } from '../../core/logger.ts'
import { Server } from '../../server/server.ts'
import { address, type Address } from '../address.ts'
import { allOf } from '../all-of.ts'
import { wholeNumber } from '../arguments.ts'
import { endSoon } from '../end-soon.ts'
import { examples } from '../examples.ts'
import { EXIT_FAILED } from '../failure.ts'
import { openProbes } from '../open-probes.ts'
import type { Session } from '../session.ts'
import { brokerOf, ENVIRONMENT, withBrokerOptions, type BrokerCall } from './broker.ts'
import { managerAt } from './routers.ts'

interface Options extends BrokerCall {
  readonly workers?: number
  readonly group?: string
  readonly scale?: true
  readonly probes?: Address
}

/** `millhand mqtt run <router>` */
export function addRun(parent: Command, session: Session): void {
  const command = parent
    .command('run')
    .argument('<router>', 'a file that exports a router, or a directory of such files')
  withBrokerOptions(command)
    .description('handle the messages of a router in worker processes, until SIGTERM or SIGINT')
    .option(
      '--workers <count>',
      'how many processes (default: the largest workerCount of the routes)',
      wholeNumber(1),
    )
    .option('--group <name>', 'who shares the messages of shared routes (default: MQTT_GROUP_NAME)')
    .option('--scale', 'add and drain workers by what waits')
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
The first SIGTERM or SIGINT handles what has arrived, and leaves the sessions at the broker, which saves what comes
until the next start; a second one kills. The log goes to standard error.
${ENVIRONMENT}
${examples(
  'millhand mqtt run sensors.ts --broker mqtt://localhost:1883',
  'millhand mqtt run routers/ --workers 4 --group sensors',
  'MQTT_BROKER=broker.example.org MQTT_PORT=8883 millhand mqtt run routers/ --scale --probes 8080',
)}`,
    )
    .action(async (path: string, options: Options) => {
      try {
        if (session.json) process.env['LOG_FORMAT'] = 'json'
        session.exitCode = await run(path, options)
      } catch (error) {
        endSoon(EXIT_FAILED)
        throw error
      }
      endSoon(session.exitCode)
    })
}

/** @returns the exit code of the server. */
async function run(path: string, options: Options): Promise<number> {
  const { workers: count, group: groupName, clientId, scale = false, probes: probesAt } = options
  const logger = createLogger()
  const manager = await managerAt(path, {
    ...{ connection: brokerOf(options), scaling: scale, logger },
    ...(groupName !== undefined && { groupName }),
    ...(clientId !== undefined && { clientId }),
  })
  const group = await manager.workers(count)
  if (group === undefined) return 0
  const server = new Server({ logger }).add(group)
  for (const { name: worker, events } of group.handles) {
    events.on('startup', () => logger.info({ worker }, 'worker started'))
    events.on('shutdown', () => logger.info({ worker }, 'worker stopped'))
  }
  const probes = probesAt === undefined ? undefined : await openProbes(allOf([server]), probesAt, logger)
  logger.info({ workers: group.replicas }, `running ${path}`)
  const code = await server.runForever()
  await probes?.stop()
  return code
}
