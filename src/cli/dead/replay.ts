import type { Command } from 'commander'
import { examples } from '../examples.ts'
import { counted } from '../printable.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'
import { expectNone, missingOf, selectionOf, withFilterOptions, type SelectionOptions } from './selection.ts'

/** `millhand dead replay <queue> [id...]` */
export function addReplay(parent: Command, session: Session): void {
  withFilterOptions(withStoreOptions(parent.command('replay').argument('<queue>').argument('[id...]')))
    .description('let jobs that failed for good run again, with their attempts at 0')
    .option('--all', 'all of the queue')
    .addHelpText(
      'after',
      examples(
        'millhand dead replay mail order-17 order-18',
        'millhand dead replay mail --error ECONNREFUSED',
        'millhand dead replay mail --all',
      ),
    )
    .action(async (name: string, ids: readonly string[], options: StoreOptions & SelectionOptions) => {
      const selection = selectionOf(ids, options)
      await withStore(session, options, false, async (store) => {
        const queue = await store.known(name)
        const missing = await missingOf(queue, selection)
        const replayed = await queue.dead.replay(selection)
        await session.answer(
          { queue: name, replayed, missing },
          `replayed ${counted(replayed, 'job')} of ${name}`,
        )
        expectNone(missing, name)
      })
    })
}
