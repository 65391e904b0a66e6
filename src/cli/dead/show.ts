import type { Command } from 'commander'
import { examples } from '../examples.ts'
import { jobDetails } from '../job-details.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'
import { notFound } from '../failure.ts'

/** `millhand dead show <queue> <id>` */
export function addShow(parent: Command, session: Session): void {
  withStoreOptions(
    parent.command('show').argument('<queue>').argument('<id>', 'of the job, or of its letter'),
  )
    .description('show one job that failed for good, with its errors')
    .addHelpText(
      'after',
      examples('millhand dead show mail order-17', 'millhand dead show mail order-17 --json'),
    )
    .action((name: string, id: string, options: StoreOptions) =>
      withStore(session, options, false, async (store) => {
        const letter = await (await store.known(name)).dead.get(id)
        if (letter === undefined) throw notFound(`there is no dead letter "${id}" in queue ${name}`)
        await session.answer(letter, jobDetails(letter.payload.original))
      }),
    )
}
