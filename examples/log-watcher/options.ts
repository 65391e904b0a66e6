import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { LogWatcherOptions } from './log-watcher.ts'

const USAGE = `usage: main.ts [options] FILE...

Follows log files and prints every line that matches, as JSON, once.

  --match REGEX      what a line must contain (default: ERROR)
  --state FOLDER     where it notes how far it has read (default: .millhand/log-watcher)
  --from-end         begin at the end of a file that is there when it first runs
  --once             end when what is there is dealt with
  --poll MS          how often to look (default: 250)
  --linger MS        a rotated file that has not grown for so long is finished (default: 10000)
  --max-line BYTES   longer lines are cut (default: 65536)`

export interface Options {
  readonly once: boolean
  readonly db: string
  readonly watchers: readonly LogWatcherOptions[]
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
      match: { type: 'string', default: 'ERROR' },
      state: { type: 'string', default: '.millhand/log-watcher' },
      'from-end': { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      poll: { type: 'string', default: '250' },
      linger: { type: 'string', default: '10000' },
      'max-line': { type: 'string', default: '65536' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const paths = new Set(positionals.map((path) => resolve(path)))
  if (paths.size === 0) throw new Error('expected at least one FILE')
  void new RegExp(values.match)
  const state = resolve(values.state)
  mkdirSync(state, { recursive: true })
  const common = {
    pattern: values.match,
    db: join(state, 'matches.db'),
    from: values['from-end'] ? ('end' as const) : ('start' as const),
    once: values.once,
    pollMs: count('poll', values.poll, 3_600_000),
    lingerMs: count('linger', values.linger, 86_400_000),
    // A match travels as JSON, which can take six times the room, and jobs have a limit of 1 MiB.
    maxLineBytes: count('max-line', values['max-line'], 128 * 1024),
  }
  const watchers = [...paths].map((path) => ({
    ...common,
    path,
    checkpoint: join(state, `${encodeURIComponent(path)}.json`),
  }))
  return { once: values.once, db: common.db, watchers }
}

function count(option: string, text: string, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value
  throw new Error(`expected --${option} to be a whole number from 1 to ${max}, got: ${text}`)
}
