import { resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import type { DirectorySyncOptions } from './directory-sync.ts'

const USAGE = `usage: main.ts [options] SOURCE TARGET

Keeps the folder TARGET the same as the folder SOURCE, and prints a line of JSON a run.

  --every SECONDS   from the start of one run to the start of the next (default: 60)
  --once            end after the first run
  --allow-empty     let an empty SOURCE empty the TARGET`

export type Options = DirectorySyncOptions & { readonly intervalSeconds: number }

/** Reads the command line. What is wrong with it, and --help, ends the process. */
export function readOptions(args: readonly string[]): Options {
  try {
    return parse(args)
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(1)
  }
}

function parse(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      every: { type: 'string', default: '60' },
      once: { type: 'boolean', default: false },
      'allow-empty': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  if (positionals.length !== 2) throw new Error('expected SOURCE and TARGET')
  const [source, target] = positionals.map((path) => resolve(path)) as [string, string]
  if (isWithin(source, target) || isWithin(target, source)) {
    throw new Error('expected SOURCE and TARGET to be apart; one is inside the other')
  }
  const intervalSeconds = Number(values.every)
  if (!(intervalSeconds >= 0.01)) {
    throw new Error(`expected --every to be a number of seconds from 0.01, got: ${values.every}`)
  }
  return { source, target, intervalSeconds, once: values.once, allowEmpty: values['allow-empty'] }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
