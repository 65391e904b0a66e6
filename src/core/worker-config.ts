import { builtin } from './builtin.ts'
import type { Duration } from './duration.ts'
import { InvalidOptionError, MillhandError, show } from './errors.ts'
import { boolean, checkOptions, duration, integer, nearest, unknownName, type Rule } from './options.ts'

/**
 * How workers are run, complete and frozen; all times are milliseconds. Six plain values, each of which goes
 * into one option:
 *
 *     const config = loadWorkerConfig({ file: 'worker.json' })
 *     const mail = new Queue('mail', {
 *       backend,
 *       retry: { baseDelay: config.retryDelay },
 *       retention: { dead: config.deadLetterQueue ? 'forever' : 0 },
 *     })
 *     const worker = mail.worker(handlers, { concurrency: config.maxConcurrentMessages })
 *     const health = new HealthChecker({ interval: config.healthCheckInterval })
 *     if (config.metricsEnabled) metrics.watch(worker)
 *     await new Server({ shutdownTimeout: config.gracefulShutdownTimeout }).add(worker).runForever()
 */
export interface WorkerConfig {
  /** Jobs that one worker has in hand at once: the worker's `concurrency`. Default: 1. */
  readonly maxConcurrentMessages: number
  /** Before the first retry of a failed job, ms: `baseDelay` of the queue's retry policy. Default: 60 s. */
  readonly retryDelay: number
  /** Between two looks at the health of the workers, ms: `interval` of the HealthChecker. Default: 30 s. */
  readonly healthCheckInterval: number
  /** What all workers together may take to finish, ms: `shutdownTimeout` of the Server. Default: 30 s. */
  readonly gracefulShutdownTimeout: number
  /** Jobs that failed for good are kept as dead letters, else they vanish: `retention.dead` of the queue. Default: true. */
  readonly deadLetterQueue: boolean
  /** Whether a MetricsCollector is to watch the workers. Default: true. */
  readonly metricsEnabled: boolean
}

/** The same in code, in part. A number is MILLISECONDS, as everywhere in code; `'90s'` says it best. */
export interface WorkerConfigInput {
  readonly maxConcurrentMessages?: number
  readonly retryDelay?: Duration
  readonly healthCheckInterval?: Duration
  readonly gracefulShutdownTimeout?: Duration
  readonly deadLetterQueue?: boolean
  readonly metricsEnabled?: boolean
}

export interface WorkerConfigSources {
  /** Given in code: wins over everything. */
  readonly overrides?: WorkerConfigInput
  /** Path of a JSON file with the same names. Wins over the environment. A plain number of a time is SECONDS. */
  readonly file?: string
  /**
   * Variables named MILLHAND_MAX_CONCURRENT_MESSAGES, MILLHAND_RETRY_DELAY and so on; an empty one counts as not
   * set. A plain number of a time is SECONDS. Default: `process.env`.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
}

const rules = {
  maxConcurrentMessages: integer({ min: 1, default: 1 }),
  retryDelay: duration({ default: '60s' }),
  healthCheckInterval: duration({ default: '30s', min: '100ms' }),
  gracefulShutdownTimeout: duration({ default: '30s' }),
  deadLetterQueue: boolean(true),
  metricsEnabled: boolean(true),
}

type Key = keyof WorkerConfig
type Kind = 'count' | 'time' | 'switch'

/** How a key is to be read from a file or a variable, where there are no types. */
const KINDS: Readonly<Record<Key, Kind>> = {
  maxConcurrentMessages: 'count',
  retryDelay: 'time',
  healthCheckInterval: 'time',
  gracefulShutdownTimeout: 'time',
  deadLetterQueue: 'switch',
  metricsEnabled: 'switch',
}
const KEYS = Object.keys(KINDS) as Key[]

const PREFIX = 'MILLHAND_'
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/
const SWITCH: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/**
 * The configuration from code, a file and the environment, in this precedence; then the defaults.
 *
 * Mind the units: in the file and in the environment `60` means 60 SECONDS, in code it means 60 milliseconds.
 * Text with a unit, `'90s'` or `'2m'`, means the same everywhere.
 *
 *     const config = loadWorkerConfig({ file: 'worker.json', overrides: { retryDelay: '10s' } })
 *
 * @throws InvalidOptionError naming where the wrong value or name was found: the option, the key and file, or the
 * environment variable.
 * @throws MillhandError with code CONFIG when the file cannot be read or is not a JSON object.
 */
export function loadWorkerConfig(sources: WorkerConfigSources = {}): WorkerConfig {
  // Every source is checked whole: a mistake is reported although another source hides it today.
  const fromEnv = readEnvironment(sources.env ?? process.env)
  const fromFile = sources.file === undefined ? {} : readFile(sources.file)
  checkOptions('WorkerConfig', rules, sources.overrides)
  return checkOptions('WorkerConfig', rules, { ...fromEnv, ...fromFile, ...given(sources.overrides) })
}

function readEnvironment(env: Readonly<Record<string, string | undefined>>): Partial<WorkerConfig> {
  const found: Partial<Record<Key, unknown>> = {}
  const names = new Map(KEYS.map((key) => [variable(key), key]))
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined || text === '') continue
    const key = names.get(name)
    if (key === undefined) refuseMisspelling(name, [...names.keys()])
    else found[key] = check(key, fromText(KINDS[key], text), name, text)
  }
  return found as Partial<WorkerConfig>
}

/** Other parts have MILLHAND_ variables of their own, so only a near miss is a mistake. */
function refuseMisspelling(name: string, known: readonly string[]): void {
  const bare = (text: string): string => text.slice(PREFIX.length)
  const guess = nearest(bare(name), known.map(bare))
  if (guess === undefined) return
  throw new InvalidOptionError(
    name,
    `unknown environment variable "${name}"; did you mean "${PREFIX}${guess}"?`,
  )
}

/** The value that a variable's text means, or the text itself, which its rule then refuses. */
function fromText(kind: Kind, text: string): unknown {
  const trimmed = text.trim()
  if (kind === 'switch') return SWITCH[trimmed.toLowerCase()] ?? text
  if (!NUMBER.test(trimmed)) return text
  return kind === 'time' ? Number(trimmed) * 1000 : Number(trimmed)
}

function readFile(path: string): Partial<WorkerConfig> {
  const values = parseFile(path)
  const found: Partial<Record<Key, unknown>> = {}
  for (const [name, value] of Object.entries(values)) {
    if (!Object.hasOwn(KINDS, name)) throw unknownName(`key in ${path}`, name, KEYS)
    const key = name as Key
    const meant = KINDS[key] === 'time' && typeof value === 'number' ? value * 1000 : value
    found[key] = check(key, meant, `${key} in ${path}`, value)
  }
  return found as Partial<WorkerConfig>
}

function parseFile(path: string): object {
  let text: string
  try {
    text = builtin.fs.readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as { code?: string }
    const why = code === 'ENOENT' ? 'there is no such file' : (cause as Error).message
    throw new MillhandError('CONFIG', `cannot read the configuration file ${path}: ${why}`, { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    // The engine's message quotes the file, and a configuration file may hold secrets: only the place is kept.
    const place = /line \d+ column \d+/.exec((error as Error).message)?.[0]
    const where = place === undefined ? '' : ` at ${place}`
    throw new MillhandError('CONFIG', `expected ${path} to be JSON; it is not${where}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MillhandError('CONFIG', `expected ${path} to hold a JSON object, got: ${kindOf(value)}`)
  }
  return value
}

/** Checks one value; the error names its source and shows it as it was written. */
function check<K extends Key>(key: K, meant: unknown, source: string, written: unknown): WorkerConfig[K] {
  try {
    return (rules[key] as Rule<WorkerConfig[K]>)(meant, source)
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    const expected = error.message.slice(0, error.message.lastIndexOf(', got: '))
    // The rule speaks to code, where a plain number is milliseconds.
    const message = expected.replace('(milliseconds,', '(seconds,')
    throw new InvalidOptionError(source, `${message}, got: ${show(written)}`)
  }
}

/** `retryDelay` is MILLHAND_RETRY_DELAY. */
function variable(key: Key): string {
  return PREFIX + key.replaceAll(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()
}

/** Without what is there but undefined, which would hide the other sources. */
function given(overrides: WorkerConfigInput = {}): WorkerConfigInput {
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined))
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return value === null ? 'null' : `a ${typeof value}`
}
