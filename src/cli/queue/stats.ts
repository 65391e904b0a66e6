import type { Command } from 'commander'
import { formatMs } from '../../core/duration.ts'
import type { QueueStats } from '../../queue/backend.ts'
import { examples } from '../examples.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'
import { Table } from '../table.ts'

/** `millhand queue stats [queue]` */
export function addStats(parent: Command, session: Session): void {
  withStoreOptions(parent.command('stats').argument('[queue]', 'only this one'))
    .description('count the jobs of each queue by their state')
    .addHelpText('after', examples('millhand queue stats', 'millhand queue stats mail --json'))
    .action((name: string | undefined, options: StoreOptions) =>
      withStore(session, options, false, async (store) => {
        if (name !== undefined) {
          const stats = await (await store.known(name)).stats()
          return session.answer(stats, render([stats]))
        }
        const all = await store.stats()
        return session.answer(all, all.length === 0 ? 'there are no queues yet' : render(all))
      }),
    )
}

const COUNTED = ['waiting', 'delayed', 'active', 'dead', 'done', 'cancelled'] as const

function render(all: readonly QueueStats[]): string {
  const hasBlocked = all.some(({ counts }) => counts.blocked > 0)
  const states = hasBlocked ? (['blocked', ...COUNTED] as const) : COUNTED
  const table = new Table([
    { title: 'QUEUE' },
    ...states.map((state) => ({ title: state.toUpperCase(), align: 'right' as const })),
    { title: 'OLDEST', align: 'right' },
    { title: '' },
  ])
  const rows = all.map(({ queue, counts, oldestWaitingMs, paused }) => [
    queue,
    ...states.map((state) => String(counts[state])),
    oldestWaitingMs === 0 ? '-' : formatMs(oldestWaitingMs),
    paused ? 'paused' : '',
  ])
  return table.render(rows).trimEnd()
}
