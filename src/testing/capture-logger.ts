import type { Logger, LogLevel } from '../core/logger.ts'

export interface CapturedLine {
  readonly level: Exclude<LogLevel, 'silent'>
  readonly message: string
  /** The line's own fields and those of the child loggers it went through. */
  readonly fields: Readonly<Record<string, unknown>>
}

export interface CapturingLogger extends Logger {
  /** All lines so far, those of child loggers included. Grows. */
  readonly lines: readonly CapturedLine[]
  /** The messages so far, of one level or of all. */
  messages(level?: CapturedLine['level']): string[]
}

/**
 * A logger that keeps every line, debug included, and writes nothing.
 *
 *     const logger = captureLogger()
 *     new Mailer({ logger })
 *     assert.deepEqual(logger.messages('error'), [])
 */
export function captureLogger(): CapturingLogger {
  const lines: CapturedLine[] = []
  const messages = (level?: CapturedLine['level']): string[] =>
    lines.filter((line) => level === undefined || line.level === level).map(({ message }) => message)
  const make = (bound: object): CapturingLogger => {
    const at = (level: CapturedLine['level']) => (fields: object, message: string) =>
      void lines.push({ level, message, fields: { ...bound, ...fields } })
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      isLevelEnabled: () => true,
      child: (fields) => make({ ...bound, ...fields }),
      lines,
      messages,
    }
  }
  return make({})
}
