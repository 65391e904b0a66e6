import type { Command } from 'commander'
import { examples } from '../examples.ts'
import { counted } from '../printable.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'
import { expectNone, missingOf, selectionOf, withFilterOptions, type SelectionOptions } from './selection.ts'

/** `millhand dead purge <queue> [id...]` */
export function addPurge(parent: Command, session: Session): void {
  withFilterOptions(withStoreOptions(parent.command('purge').argument('<queue>').argument('[id...]')))
    .description('remove jobs that failed for good, for ever')
    .option('--all', 'all of the queue')
    .addHelpText(
      'after',
      examples(
        'millhand dead purge mail order-17',
        'millhand dead purge mail --before 2026-03-01',
        'millhand dead purge mail --all',
      ),
    )
    .action(async (name: string, ids: readonly string[], options: StoreOptions & SelectionOptions) => {
      const selection = selectionOf(ids, options)
      await withStore(session, options, false, async (store) => {
        const queue = await store.known(name)
        const missing = await missingOf(queue, selection)
        const purged = await queue.dead.purge(selection)
        await session.answer(
          { queue: name, purged, missing },
          `removed ${counted(purged, 'dead letter')} of ${name}`,
        )
        expectNone(missing, name)
      })
    })
}
