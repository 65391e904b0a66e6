import type { Readable, Writable } from 'node:stream'
import { jsonText } from './json.ts'
import { Output } from './output.ts'

/** What the command line has around it: the process, or what a test puts in its place. */
export interface Surroundings {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
}

/** One call of the command line. */
export class Session {
  readonly stdin: Readable
  readonly out: Output
  readonly err: Output
  readonly env: Surroundings['env']
  /** `--json`: what is written is for a machine. */
  readonly json: boolean
  /** `--debug`: errors are shown with their stacks. */
  readonly debug: boolean
  /** What `main` returns when the command does not throw. */
  exitCode = 0

  constructor(argv: readonly string[], { stdin, stdout, stderr, env }: Surroundings) {
    this.stdin = stdin
    this.out = new Output(stdout)
    this.err = new Output(stderr)
    this.env = env
    // Looked at before anything is parsed: an error of parsing has to know how it is wanted.
    const end = argv.indexOf('--')
    const flags = end < 0 ? argv : argv.slice(0, end)
    this.json = flags.includes('--json')
    this.debug = flags.includes('--debug')
  }

  /** The answer of a command: `value` as one line of JSON, or `text` for people. */
  async answer(value: unknown, text: string): Promise<void> {
    await this.out.write(this.json ? `${jsonText(value)}\n` : `${text}\n`)
  }
}
