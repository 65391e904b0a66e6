import { parseArgs } from 'node:util'
import type { ApiPollerOptions } from './api-poller.ts'

const USAGE = `usage: main.ts [options] URL

Follows a list of an HTTP API and prints each new item as JSON. GET URL?after=CURSOR answers
{"items": [{"id": ...}, ...], "next": CURSOR or null}.

  --every SECONDS     between two looks at the end of the list (default: 30)
  --timeout SECONDS   of one request (default: 10)
  --db FILE           where the items are kept (default: .millhand/api-poller.db)
  --once              end at the end of the list

Environment:
  API_TOKEN           sent as a bearer token`

/** Reads the command line. What is wrong with it, and --help, ends the process. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): ApiPollerOptions {
  try {
    return parse(args, env)
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(1)
  }
}

function parse(args: readonly string[], env: NodeJS.ProcessEnv): ApiPollerOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      every: { type: 'string', default: '30' },
      timeout: { type: 'string', default: '10' },
      db: { type: 'string', default: '.millhand/api-poller.db' },
      once: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const [url = ''] = positionals
  if (positionals.length !== 1 || !/^https?:/.test(url) || !URL.canParse(url)) {
    throw new Error(
      `expected one URL that begins with http: or https:, got: ${positionals.join(' ') || 'none'}`,
    )
  }
  return {
    url,
    db: values.db,
    everyMs: ms('every', values.every),
    timeoutMs: ms('timeout', values.timeout),
    token: env['API_TOKEN'] || undefined,
    once: values.once,
  }
}

function ms(option: string, text: string): number {
  const seconds = Number(text)
  if (seconds >= 0.01 && seconds <= 86_400) return seconds * 1000
  throw new Error(`expected --${option} to be a number of seconds from 0.01 to 86400, got: ${text}`)
}
