import type { Command } from 'commander'
import { examples } from '../examples.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'

/** `millhand queue resume <queue>` */
export function addResume(parent: Command, session: Session): void {
  withStoreOptions(parent.command('resume').argument('<queue>'))
    .description('let workers start jobs of a paused queue again')
    .addHelpText('after', examples('millhand queue resume mail'))
    .action((name: string, options: StoreOptions) =>
      withStore(session, options, false, async (store) => {
        await (await store.known(name)).resume()
        await session.answer({ queue: name, paused: false }, `${name} is running`)
      }),
    )
}
