import type { Command } from 'commander'
import { examples } from '../examples.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'

/** `millhand queue pause <queue>` */
export function addPause(parent: Command, session: Session): void {
  withStoreOptions(parent.command('pause').argument('<queue>'))
    .description('let no worker of any process start a job of a queue; what runs goes on')
    .addHelpText('after', examples('millhand queue pause mail'))
    .action((name: string, options: StoreOptions) =>
      withStore(session, options, false, async (store) => {
        await (await store.known(name)).pause()
        await session.answer({ queue: name, paused: true }, `${name} is paused`)
      }),
    )
}
