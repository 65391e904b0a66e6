import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

export interface Options {
  /** Undefined: the replay in this process. */
  readonly url: string | undefined
  /** Empty with the replay, which has its own. */
  readonly assets: readonly string[]
  readonly host: string
  readonly port: number
  readonly workers: number
  readonly placement: 'inline' | 'thread' | 'process'
  readonly once: boolean
  readonly json: boolean
  readonly seed: number
  readonly markets: number
  /** Of the replay, with --once. */
  readonly frames: number
  /** Of the replay, a second. */
  readonly rate: number
}

const USAGE = `usage: npm run example:order-book -- [options]

Follows the order books of a prediction market and serves them over HTTP and WebSocket.

  --url URL          the feed (default: a replay in this process), such as wss://...
  --assets FILE      with --url: the assets to follow, one a line, or separated by commas
  --workers N        that hold the books (default: 2)
  --placement WHERE  of the workers: inline, thread or process (default: thread)
  --host NAME        where to listen (default: 127.0.0.1)
  --port N           0 for any (default: 3100, with --once any)

  --once             replays frames, checks every book level by level, and ends: 1 when one differs
  --frames N         so many, with --once (default: 50000)
  --markets N        of the replay, two assets each (default: 20)
  --rate N           frames a second of the replay without --once (default: 2000)
  --seed N           the same seed, the same frames (default: 1)
  --json             what --once finds as one line of JSON`

/** Reads the command line. What is wrong with it, and --help, ends the process. */
export function readOptions(args: readonly string[]): Options {
  try {
    return parse(args)
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(1)
  }
}

const DEFAULT_PORT = 3100
const PLACEMENTS = ['inline', 'thread', 'process'] as const

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      assets: { type: 'string' },
      workers: { type: 'string', default: '2' },
      placement: { type: 'string', default: 'thread' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string' },
      once: { type: 'boolean', default: false },
      frames: { type: 'string', default: '50000' },
      markets: { type: 'string', default: '20' },
      rate: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const { url, assets: file, once, json, host } = values
  const placement = PLACEMENTS.find((name) => name === values.placement)
  if (placement === undefined)
    throw new Error(`expected --placement to be inline, thread or process, got: ${values.placement}`)
  if (url !== undefined && !/^wss?:\/\/./.test(url))
    throw new Error(`expected --url to begin with ws:// or wss://, got: ${url}`)
  if (url !== undefined && once)
    throw new Error('expected --once without --url: only the replay knows what is right')
  if ((url === undefined) !== (file === undefined)) throw new Error('expected --url and --assets together')
  return {
    ...{ url, host, once, json, placement },
    assets: file === undefined ? [] : assetsIn(file),
    port: whole('port', values.port ?? String(once ? 0 : DEFAULT_PORT), 0, 65_535),
    workers: whole('workers', values.workers, 1, 64),
    frames: whole('frames', values.frames, 1, 100_000_000),
    markets: whole('markets', values.markets, 1, 10_000),
    rate: whole('rate', values.rate, 1, 1_000_000),
    seed: whole('seed', values.seed, 0, 2 ** 32 - 1),
  }
}

function assetsIn(file: string): string[] {
  const assets = readFileSync(file, 'utf8').split(/[\s,]+/)
  const wanted = [...new Set(assets.filter((asset) => asset !== ''))]
  if (wanted.length > 0) return wanted
  throw new Error(`expected --assets to be a file that names assets, got: ${file}`)
}

function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new Error(`expected --${option} to be a whole number from ${least} to ${most}, got: ${text}`)
}
