import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

const USAGE = `usage: main.ts [options]

Serves GET /primes?below=N and GET /health on 127.0.0.1.

  --port N           where it listens; 0 for any that is free (default: 8080)
  --workers N        how many threads compute (default: one a core)
  --max-queue N      how many requests wait for a thread before others get 503 (default: 16)
  --timeout SECONDS  how long one may compute before it gets 504 (default: 10)
  --grace SECONDS    how long it goes on computing when it is stopped (default: 10)`

export interface Options {
  readonly port: number
  readonly workers: number
  readonly maxQueue: number
  readonly timeoutMs: number
  readonly graceMs: number
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
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '8080' },
      workers: { type: 'string', default: String(availableParallelism()) },
      'max-queue': { type: 'string', default: '16' },
      timeout: { type: 'string', default: '10' },
      grace: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  return {
    port: count('port', values.port, 0, 65_535),
    workers: count('workers', values.workers, 1, 64),
    maxQueue: count('max-queue', values['max-queue'], 1, 100_000),
    timeoutMs: milliseconds('timeout', values.timeout),
    graceMs: milliseconds('grace', values.grace),
  }
}

function count(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`expected --${option} to be a whole number from ${min} to ${max}, got: ${text}`)
}

function milliseconds(option: string, text: string): number {
  const seconds = Number(text)
  if (/^[\d.]+$/.test(text) && seconds >= 0.001 && seconds <= 3600) return seconds * 1000
  throw new Error(`expected --${option} to be seconds from 0.001 to 3600, got: ${text}`)
}
