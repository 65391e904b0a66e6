import { parseArgs } from 'node:util'
import { UserError } from './user-error.ts'

export interface Options {
  /** Folders whose files go through the pipeline. */
  readonly roots: readonly string[]
  /** Where the items are kept; the results are next to it. */
  readonly db: string
  readonly once: boolean
  readonly json: boolean
  /** How many processes transform. */
  readonly processes: number
  readonly help: boolean
}

export const USAGE = `usage: main.ts [--once] [--json] [--db FILE] [--processes N] [FOLDER ...]

Reads the text files below the folders (default: docs), counts their words, and saves what it found to SQLite.

  --once         exit when every file came to its end: 0 when none was lost, else 1
  --json         print one line of JSON instead of the summary
  --db FILE      where the items are kept (default: .millhand/pipeline.db), the results next to it
  --processes N  how many processes count words (default: 2)
`

/** @throws UserError for what it does not understand. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  const processes = Number(values.processes)
  if (!Number.isInteger(processes) || processes < 1 || processes > 64) {
    throw new UserError(`expected --processes to be a number from 1 to 64, got: ${values.processes}`)
  }
  const roots = positionals.length === 0 ? ['docs'] : positionals
  return { ...values, roots, processes }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        db: { type: 'string', default: '.millhand/pipeline.db' },
        processes: { type: 'string', default: '2' },
      },
    })
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n\n${USAGE}`)
  }
}
