import type { Command } from 'commander'
import { examples } from '../examples.ts'
import { notFound } from '../failure.ts'
import { jobDetails } from '../job-details.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'

/** `millhand queue show <queue> <id>` */
export function addShow(parent: Command, session: Session): void {
  withStoreOptions(parent.command('show').argument('<queue>').argument('<id>'))
    .description('show everything that is known of one job')
    .addHelpText(
      'after',
      examples('millhand queue show mail order-17', 'millhand queue show mail order-17 --json'),
    )
    .action((name: string, id: string, options: StoreOptions) =>
      withStore(session, options, false, async (store) => {
        const job = await (await store.known(name)).get(id)
        if (job === undefined) {
          throw notFound(
            `there is no job "${id}" in queue ${name}: it never was, or it is done and was removed`,
          )
        }
        await session.answer(job, jobDetails(job))
      }),
    )
}
