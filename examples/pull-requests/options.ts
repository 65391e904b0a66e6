import { Command, InvalidArgumentError } from 'commander'

export interface Options {
  readonly host: string
  readonly port: number
  /** Where the jobs are kept; the results are next to it. */
  readonly db: string
  readonly once: boolean
  readonly json: boolean
  readonly replay: boolean
}

/** GitHub Apps made with Probot listen there too. */
const DEFAULT_PORT = 3000

/** Reads the command line. Wrong options, and `--help`, end the process. */
export function readOptions(argv: readonly string[]): Options {
  const command = new Command('npm start --')
    .description('A service that looks after pull requests, fed with the example payloads of GitHub.')
    .option('--once', 'exit when all is done: 0 when nothing was lost, else 1')
    .option('--json', 'print one line of JSON instead of the summary')
    .option('--no-replay', 'only serve; do not replay the example payloads')
    .option('--host <name>', 'where to listen', '127.0.0.1')
    .option('--port <number>', `0: any free one (default: ${DEFAULT_PORT}, with --once any free one)`, port)
    .option('--db <file>', 'where the jobs are kept', '.millhand/pull-requests.db')
    .addHelpText('after', HELP)
    .parse(argv)
  const options = command.opts<Partial<Options>>()
  const { once = false, json = false, replay = true, host = '', db = '' } = options
  if (once && !replay) command.error('error: --once ends with the replay, and --no-replay leaves it out')
  return { host, db, once, json, replay, port: options.port ?? (once ? 0 : DEFAULT_PORT) }
}

const HELP = `
Environment:
  WEBHOOK_SECRET  the secret that is shared with GitHub (default: a new one, good for the replay only)
  GITHUB_TOKEN    asks GitHub itself, instead of what the payloads say
  LOG_LEVEL       debug, info, warn (default) or error
`

function port(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 65_535) return value
  throw new InvalidArgumentError('expected a number from 0 to 65535.')
}
