import { mkdirSync, realpathSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

const USAGE = `usage: main.ts [options] IMAGES THUMBNAILS

Makes thumbnails of the images in one folder in another one, those that are not there or not up to date.

  --size PIXELS    their width or height, whatever is more (default: 320)
  --workers N      how many threads make them (default: one a core)`

export interface Options {
  readonly source: string
  readonly target: string
  readonly size: number
  readonly workers: number
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
      size: { type: 'string', default: '320' },
      workers: { type: 'string', default: String(availableParallelism()) },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const [source, target, ...more] = positionals
  if (source === undefined || target === undefined || more.length > 0) {
    throw new Error('expected two folders, IMAGES and THUMBNAILS')
  }
  const images = realpathSync(source)
  mkdirSync(target, { recursive: true })
  if (realpathSync(target) === images) {
    throw new Error(
      'expected THUMBNAILS to be another folder: the next run would make thumbnails of thumbnails',
    )
  }
  return {
    source,
    target,
    size: count('size', values.size, 1, 16_383),
    workers: count('workers', values.workers, 1, 64),
  }
}

function count(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`expected --${option} to be a whole number from ${min} to ${max}, got: ${text}`)
}
