import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const USAGE = `usage: main.ts [options] FOLDER

Prints the SHA-256 of every file below a folder, as sha256sum does, hashed by several processes.

  --processes N    how many processes hash (default: one a core)
  --chunk BYTES    how much of a file is read at a time, from 4096 (default: 262144)
  --db FILE        where the jobs and the results of a day are kept (default: .millhand/hash-files.db)`

export interface Options {
  readonly root: string
  readonly processes: number
  readonly chunkBytes: number
  readonly db: string
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
      processes: { type: 'string', default: String(availableParallelism()) },
      chunk: { type: 'string', default: '262144' },
      db: { type: 'string', default: '.millhand/hash-files.db' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const [root, ...more] = positionals
  if (root === undefined || more.length > 0) throw new Error('expected one FOLDER')
  const db = resolve(values.db)
  mkdirSync(dirname(db), { recursive: true })
  return {
    root,
    db,
    processes: count('processes', values.processes, 1, 64),
    chunkBytes: count('chunk', values.chunk, 4096, 64 * 1024 * 1024),
  }
}

function count(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`expected --${option} to be a whole number from ${min} to ${max}, got: ${text}`)
}
