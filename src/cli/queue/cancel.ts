import type { Command } from 'commander'
import { examples } from '../examples.ts'
import { notFound } from '../failure.ts'
import { counted } from '../printable.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'

const ANSWERS = {
  cancelled: 'cancelled',
  finished: 'had finished before',
  'not-found': 'is not there',
} as const

/** `millhand queue cancel <queue> <id...>` */
export function addCancel(parent: Command, session: Session): void {
  withStoreOptions(parent.command('cancel').argument('<queue>').argument('<id...>'))
    .description('give up jobs that are not finished; the signal of a handler that runs is aborted')
    .addHelpText('after', examples('millhand queue cancel mail order-17 order-18'))
    .action((name: string, ids: readonly string[], options: StoreOptions) =>
      withStore(session, options, false, async (store) => {
        const queue = await store.known(name)
        const answers = await Promise.all(ids.map(async (id) => ({ id, status: await queue.cancel(id) })))
        await session.answer(answers, answers.map(({ id, status }) => `${id} ${ANSWERS[status]}`).join('\n'))
        const missed = answers.filter(({ status }) => status !== 'cancelled').length
        if (missed > 0) throw notFound(`${missed} of ${counted(ids.length, 'job')} could not be cancelled`)
      }),
    )
}
