import type { Command } from 'commander'
import { formatMs } from '../../core/duration.ts'
import type { Route } from '../../topic/route.ts'
import { examples } from '../examples.ts'
import type { Session } from '../session.ts'
import { Table } from '../table.ts'
import { routerAt } from './routers.ts'

/** `millhand mqtt routes <router>` */
export function addRoutes(parent: Command, session: Session): void {
  parent
    .command('routes')
    .argument('<router>', 'a file that exports a router, or a directory of such files')
    .description('list the routes of a router; asks no broker')
    .option('--json', 'answer with one line of JSON')
    .option('--debug', 'show the stack of an error')
    .addHelpText('after', examples('millhand mqtt routes sensors.ts', 'millhand mqtt routes routers/ --json'))
    .action(async (path: string) => {
      const routes = (await routerAt(path)).routes()
      await session.answer(routes.map(described), render(routes))
    })
}

function described(route: Route): object {
  const { filter, mqttFilter, qos, shared, workerCount, concurrency, ack, timeoutMs, to, deadLetter } = route
  return {
    ...{ topic: filter, mqttTopic: mqttFilter, qos, shared },
    workerCount: shared ? (workerCount ?? null) : 1,
    ...{ concurrency, ack },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(to !== undefined && { to: { queue: to.queue.name, type: to.type } }),
    ...(typeof deadLetter === 'string' && { deadLetter }),
  }
}

function render(routes: readonly Route[]): string {
  const table = new Table([
    { title: 'TOPIC' },
    { title: 'QOS', align: 'right' },
    { title: 'SHARED' },
    { title: 'WORKERS', align: 'right' },
    { title: 'CONCURRENCY', align: 'right' },
    { title: 'ACK' },
    { title: 'TIMEOUT', align: 'right' },
    { title: 'TO' },
  ])
  const rows = routes.map(({ filter, qos, shared, workerCount, concurrency, ack, timeoutMs, to }) => [
    ...[filter, String(qos), shared ? 'yes' : 'no'],
    ...[shared ? String(workerCount ?? 'all') : '1', String(concurrency), ack],
    timeoutMs === undefined ? '-' : timeoutMs === null ? 'none' : formatMs(timeoutMs),
    to === undefined ? '' : `queue ${to.queue.name}`,
  ])
  return table.render(rows).trimEnd()
}
