import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

const USAGE = `usage: main.ts [options] FILE...

Prints the most frequent words of large text files, counted by several threads.

  --top N          how many words are printed (default: 20)
  --workers N      how many threads count (default: one a core)
  --range BYTES    how much of a file a thread counts at a time (default: 16777216)`

export interface Options {
  readonly files: readonly string[]
  readonly top: number
  readonly workers: number
  readonly rangeBytes: number
}

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
      top: { type: 'string', default: '20' },
      workers: { type: 'string', default: String(availableParallelism()) },
      range: { type: 'string', default: String(16 * 1024 * 1024) },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  if (positionals.length === 0) throw new Error('expected one FILE or more')
  return {
    files: positionals,
    top: count('top', values.top, 1, 1_000_000_000),
    workers: count('workers', values.workers, 1, 64),
    rangeBytes: count('range', values.range, 4096, 1024 ** 3),
  }
}

function count(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`expected --${option} to be a whole number from ${min} to ${max}, got: ${text}`)
}
