import type { Command } from 'commander'
import { formatMs } from '../../core/duration.ts'
import type { JobState } from '../../queue/job.ts'
import type { StoredJob } from '../../queue/stored-job.ts'
import { repeated, states, wholeNumber } from '../arguments.ts'
import { examples } from '../examples.ts'
import { writeListing } from '../listing.ts'
import { firstLine } from '../printable.ts'
import type { Session } from '../session.ts'
import { withStore, withStoreOptions, type StoreOptions } from '../store.ts'

interface Options extends StoreOptions {
  readonly state?: readonly JobState[]
  readonly type?: readonly string[]
  readonly tag?: readonly string[]
  readonly limit: number
  readonly after?: number
}

/** `millhand queue jobs <queue>` */
export function addJobs(parent: Command, session: Session): void {
  withStoreOptions(parent.command('jobs').argument('<queue>'))
    .description('list the jobs of a queue, in the order in which they were added')
    .option('--state <states>', 'only in these states, separated by commas', states)
    .option('--type <type>', 'only of this type; may be given several times', repeated)
    .option('--tag <tag>', 'only with this tag; given several times, with all of them', repeated)
    .option('--limit <count>', 'at most so many', wholeNumber(1), 100)
    .option('--after <seq>', 'go on after the job with this SEQ', wholeNumber(0))
    .addHelpText(
      'after',
      examples(
        'millhand queue jobs mail --state waiting,delayed',
        'millhand queue jobs mail --type welcome --tag eu --limit 20',
        "millhand queue jobs mail --state dead --json | jq '.[].error.message'",
      ),
    )
    .action((name: string, options: Options) =>
      withStore(session, options, false, async (store) => {
        const queue = await store.known(name)
        const filter = {
          ...(options.state && { states: options.state }),
          ...(options.type && { types: options.type }),
          ...(options.tag && { tags: options.tag }),
        }
        const now = Date.now()
        await writeListing<StoredJob>(session, {
          limit: options.limit,
          after: options.after,
          columns: COLUMNS,
          nothing: `no jobs of ${name} match`,
          fetch: (page) => queue.list({ ...filter, ...page }),
          row: (job) => rowOf(job, now),
          seqOf: (job) => job.seq,
        })
      }),
    )
}

const COLUMNS = [
  { title: 'SEQ', align: 'right' },
  { title: 'ID' },
  { title: 'TYPE' },
  { title: 'STATE' },
  { title: 'PRIORITY', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: '' },
] as const

function rowOf(job: StoredJob, now: number): string[] {
  return [
    String(job.seq),
    job.id,
    job.type,
    job.state,
    String(job.priority),
    String(job.attempt),
    formatMs(Math.max(0, now - job.createdAt)),
    remark(job, now),
  ]
}

/** What is worth knowing beyond its state. */
function remark(job: StoredJob, now: number): string {
  if (job.state === 'delayed' && job.runAt !== null) return `in ${formatMs(Math.max(0, job.runAt - now))}`
  if (job.error !== null && job.state !== 'done') return firstLine(job.error.message, 60)
  return job.crashes > 0 ? `crashed ${job.crashes}x` : ''
}
