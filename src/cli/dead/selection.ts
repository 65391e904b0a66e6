import type { Command } from 'commander'
import type { DeadLetterFilter } from '../../queue/dead-letter.ts'
import type { Queue } from '../../queue/queue.ts'
import { repeated, timeOfDay } from '../arguments.ts'
import { notFound, wrongUsage } from '../failure.ts'

export interface FilterOptions {
  readonly type?: readonly string[]
  readonly tag?: readonly string[]
  readonly error?: string
  readonly before?: Date
}

export interface SelectionOptions extends FilterOptions {
  readonly all?: boolean
}

export function withFilterOptions(command: Command): Command {
  return command
    .option('--type <type>', 'only of this job type; may be given several times', repeated)
    .option('--tag <tag>', 'only with this tag; given several times, with all of them', repeated)
    .option('--error <code>', 'only those whose last error has this code or name')
    .option(
      '--before <time>',
      'only those that failed before, such as 2026-03-01 or 2026-03-01T08:30Z',
      timeOfDay,
    )
}

/** What the options ask for; undefined when they ask for nothing in particular. */
export function filterOf({ type, tag, error, before }: FilterOptions): DeadLetterFilter | undefined {
  if (type === undefined && tag === undefined && error === undefined && before === undefined) return undefined
  return {
    ...(type && { types: type }),
    ...(tag && { tags: tag }),
    ...(error !== undefined && { error }),
    ...(before && { before }),
  }
}

/**
 * The letters that a command is to act upon: by id, by a filter, or all of them, but never by saying nothing.
 * @throws MillhandError INVALID_OPTION unless exactly one of the three was asked for.
 */
export function selectionOf(ids: readonly string[], options: SelectionOptions): DeadLetterFilter {
  const filter = filterOf(options)
  const ways = [ids.length > 0, filter !== undefined, options.all === true].filter(Boolean).length
  if (ways === 0) {
    throw wrongUsage(
      'which dead letters? Name ids, or pass a filter (--type, --tag, --error, --before), or --all',
    )
  }
  if (ways > 1) throw wrongUsage('expected ids, or a filter, or --all, but not several of them at once')
  return ids.length > 0 ? { ids } : (filter ?? {})
}

/** The ids of a selection that name no dead letter. */
export async function missingOf(queue: Queue, { ids }: DeadLetterFilter): Promise<readonly string[]> {
  if (ids === undefined) return []
  const missing: string[] = []
  for (const id of ids) if ((await queue.dead.get(id)) === undefined) missing.push(id)
  return missing
}

/** Once what was there has been dealt with: the command still failed when something named was not there. */
export function expectNone(missing: readonly string[], queue: string): void {
  if (missing.length > 0) throw notFound(`no dead letter of ${queue}: ${missing.join(', ')}`)
}
