import { CommanderError } from 'commander'
import { MillhandError, toError, type ErrorCode } from '../core/errors.ts'
import { jsonText } from './json.ts'
import type { Session } from './session.ts'

/** The exit codes of the command line. */
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** What the caller can put right by asking differently. */
const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_OPTION',
  'INVALID_PAYLOAD',
  'PAYLOAD_TOO_LARGE',
  'CONFIG',
  'UNSUPPORTED',
])

/** Something that was asked for by name and is not there. */
export function notFound(message: string): MillhandError {
  return new MillhandError('NOT_FOUND', message)
}

/** A call that leaves out or mixes up what it needs. */
export function wrongUsage(message: string): MillhandError {
  return new MillhandError('INVALID_OPTION', message)
}

/** Tells of what a command threw, on standard error. @returns the exit code. */
export async function report(thrown: unknown, session: Session): Promise<number> {
  if (thrown instanceof CommanderError) {
    // Help and version were written by then; help instead of a command that was left out is wrong usage.
    if (thrown.exitCode === 0) return 0
    if (thrown.code !== 'commander.help') {
      await write(session, 'INVALID_OPTION', thrown.message.replace(/^error: /, ''), thrown)
    }
    return EXIT_USAGE
  }
  const error = toError(thrown)
  if (error instanceof MillhandError) {
    await write(session, error.code, error.message, error)
    return USAGE.has(error.code) ? EXIT_USAGE : EXIT_FAILED
  }
  const hint = session.debug ? '' : ' (run again with --debug for the stack)'
  await write(session, 'UNEXPECTED', `${error.name}: ${error.message}${hint}`, error)
  return EXIT_FAILED
}

async function write(session: Session, code: string, message: string, error: Error): Promise<void> {
  const stack = session.debug ? stacks(error) : undefined
  const text = session.json
    ? jsonText({ error: { code, message, ...(stack === undefined ? {} : { stack }) } })
    : [`error: ${message}`, ...(stack === undefined ? [] : [stack])].join('\n')
  // Nobody may be there to read it; the exit code still says it.
  await session.err.write(`${text}\n`).catch(() => {})
}

/** The stack of an error and of what caused it. */
function stacks(error: Error): string {
  const own = error.stack ?? String(error)
  return error.cause instanceof Error ? `${own}\ncaused by ${stacks(error.cause)}` : own
}
