import type { Command } from 'commander'
import { formatMs } from '../../core/duration.ts'
import type { DeadLetter } from '../../queue/dead-letter.ts'
import { wholeNumber } from '../arguments.ts'
import { examples } from '../examples.ts'
import { writeListing } from '../listing.ts'
import { firstLine } from '../printable.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'
import { filterOf, withFilterOptions, type FilterOptions } from './selection.ts'

interface Options extends StoreOptions, FilterOptions {
  readonly limit: number
  readonly after?: number
}

/** `millhand dead list <queue>` */
export function addList(parent: Command, session: Session): void {
  withFilterOptions(withStoreOptions(parent.command('list').argument('<queue>')))
    .description('list the jobs of a queue that failed for good')
    .option('--limit <count>', 'at most so many', wholeNumber(1), 100)
    .option('--after <seq>', 'go on after the letter with this SEQ', wholeNumber(0))
    .addHelpText(
      'after',
      examples('millhand dead list mail', 'millhand dead list mail --error JOB_TIMEOUT --before 2026-03-01'),
    )
    .action((name: string, options: Options) =>
      withStore(session, options, false, async (store) => {
        const queue = await store.known(name)
        const filter = filterOf(options)
        const now = Date.now()
        await writeListing<DeadLetter>(session, {
          limit: options.limit,
          after: options.after,
          columns: COLUMNS,
          nothing: filter === undefined ? `${name} has no dead letters` : `no dead letters of ${name} match`,
          fetch: (page) => queue.dead.list({ ...filter, ...page }),
          row: (letter) => rowOf(letter, now),
          seqOf: (letter) => letter.payload.original.seq,
        })
      }),
    )
}

const COLUMNS = [
  { title: 'SEQ', align: 'right' },
  { title: 'ID' },
  { title: 'TYPE' },
  { title: 'FAILED', align: 'right' },
  { title: 'AGO', align: 'right' },
  { title: 'ERROR' },
  { title: '' },
] as const

function rowOf({ payload: { original, error, errorType, failedAt } }: DeadLetter, now: number): string[] {
  return [
    String(original.seq),
    original.id,
    original.type,
    String(original.attempt),
    formatMs(Math.max(0, now - failedAt.getTime())),
    errorType,
    firstLine(error, 60),
  ]
}
