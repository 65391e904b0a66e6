import { builtin } from './builtin.ts'
import { toError } from './errors.ts'

/** The part of a logger that Millhand calls. A pino logger is one; so is `console` wrapped in three lines. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
  /** False when nothing of that level would be written, so that it need not be built. Optional; pino has it. */
  isLevelEnabled?(level: string): boolean
}

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 } as const
export type LogLevel = keyof typeof LEVELS

export interface LoggerOptions {
  /** Nothing below it is written. Default: the LOG_LEVEL environment variable, else `info`. */
  readonly level?: LogLevel
  /** `pretty` for people, `json` (a pino line) for machines. Default: the LOG_FORMAT environment variable, else pretty on a terminal. */
  readonly format?: 'pretty' | 'json'
  /** Where lines go. Default: standard error, written at once so that none is lost in a crash. */
  readonly write?: (line: string) => void
}

/** A small logger for standard error. Pass a pino instance as `logger` where more is wanted. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const level = options.level ?? levelFromEnvironment()
  const format = options.format ?? formatFromEnvironment()
  const line = format === 'json' ? jsonLine : prettyLine
  return make({}, LEVELS[level], line, options.write ?? writeStderr)
}

type Format = (level: Exclude<LogLevel, 'silent'>, fields: object, message: string) => string

function make(bound: object, minimum: number, format: Format, write: (line: string) => void): Logger {
  const at = (level: Exclude<LogLevel, 'silent'>) =>
    LEVELS[level] < minimum
      ? () => {}
      : (fields: object, message: string) =>
          write(safeLine(format, level, () => ({ ...bound, ...fields }), message))
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => make({ ...bound, ...fields }, minimum, format, write),
    isLevelEnabled: (level) => Object.hasOwn(LEVELS, level) && LEVELS[level as LogLevel] >= minimum,
  }
}

/** A value that throws when it is looked at costs the line its fields, never the caller its work. */
function safeLine(
  format: Format,
  level: Exclude<LogLevel, 'silent'>,
  fields: () => object,
  message: string,
): string {
  try {
    return format(level, fields(), message)
  } catch (error) {
    return format(level, { fieldsFailed: toError(error).message }, message)
  }
}

/** What `createLogger()` takes from the environment and the terminal, for a thread that knows neither. */
export function loggerDefaults(): { readonly level: LogLevel; readonly format: 'pretty' | 'json' } {
  return { level: levelFromEnvironment(), format: formatFromEnvironment() }
}

function formatFromEnvironment(): 'pretty' | 'json' {
  const wanted = process.env['LOG_FORMAT']?.toLowerCase()
  if (wanted === 'pretty' || wanted === 'json') return wanted
  return process.stderr.isTTY ? 'pretty' : 'json'
}

function levelFromEnvironment(): LogLevel {
  const wanted = process.env['LOG_LEVEL']?.toLowerCase() ?? 'info'
  return Object.hasOwn(LEVELS, wanted) ? (wanted as LogLevel) : 'info'
}

const jsonLine: Format = (level, fields, message) => {
  const head = { level: LEVELS[level], time: Date.now(), pid: process.pid }
  return `${JSON.stringify({ ...head, ...fields, msg: message }, replacer())}\n`
}

const COLOURS = { debug: 90, info: 36, warn: 33, error: 31 } as const

const prettyLine: Format = (level, fields, message) => {
  const time = new Date().toISOString().slice(11, 23)
  const rest = Object.entries(fields).map(([key, value]) => `\n    ${key}: ${prettyValue(value)}`)
  const short = rest.join('').length < 60 ? rest.map((part) => part.replace('\n    ', '  ')) : rest
  return `${time} \u001B[${COLOURS[level]}m${level.padEnd(5)}\u001B[0m ${message}\u001B[90m${short.join('')}\u001B[0m\n`
}

function prettyValue(value: unknown): string {
  if (value instanceof Error) return value.stack ?? String(value)
  return typeof value === 'string' ? value : (JSON.stringify(value, replacer()) ?? String(value))
}

/** Errors with their type, code, stack and cause, as pino writes them; cycles and bigints made harmless. */
function replacer(): (key: string, value: unknown) => unknown {
  const seen = new WeakSet<object>()
  return (_key, value) => {
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value !== 'object' || value === null) return value
    if (seen.has(value)) return '[seen above]'
    seen.add(value)
    if (!(value instanceof Error)) return value
    const { name, message, stack, cause } = value
    const own = Object.fromEntries(Object.entries(value))
    return { ...own, type: name, message, stack, ...(cause === undefined ? {} : { cause }) }
  }
}

function writeStderr(line: string): void {
  try {
    builtin.fs.writeSync(2, line)
  } catch {
    // Standard error is gone or full (EPIPE, EAGAIN): work goes on without its log.
  }
}

/** A logger that writes nothing. */
export const silentLogger: Logger = createLogger({ level: 'silent' })
