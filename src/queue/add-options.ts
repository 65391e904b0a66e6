import { toMs, type Duration } from '../core/duration.ts'
import { InvalidOptionError, show } from '../core/errors.ts'
import { newId } from '../core/id.ts'
import { unknownName } from '../core/options.ts'
import type { Encoded, NewJob } from './job.ts'

/** What can be said of a job when it is added. */
export interface AddOptions {
  /** 0 to 1000, higher is more urgent. Default 1. Equal ones run first in, first out. */
  readonly priority?: number
  /** Not before this span is over, by the store's clock. Default: at once. */
  readonly delay?: Duration
  /** Not before this time. Takes the place of `delay`. */
  readonly runAt?: Date
  /** Dead-lettered as JOB_EXPIRED when it still waits, for a first start or a retry, after this span. Default: never. */
  readonly expiresIn?: Duration
  /**
   * An id of your own, 1 to 200 characters: adding it again, while the job is there and for the queue's
   * `dedupeWindow` after its end, is a duplicate and changes nothing. Default: a new one that sorts by time.
   */
  readonly id?: string
  /** How often a failed attempt is tried again. Default: the retry policy of its worker. */
  readonly maxRetries?: number
  /** What it belongs to; inherited by follow-up jobs. Default: its own id. */
  readonly correlationId?: string
  /** Texts kept with the job, for tracing or tenancy. */
  readonly headers?: Readonly<Record<string, string>>
  /** Texts to find the job by. */
  readonly tags?: readonly string[]
}

/** Where jobs are added. */
export interface TransactionOptions {
  /**
   * Your client in its open transaction, in the database that the store is in: the job is there once you commit, and
   * never was if you do not. Which client, the store says: a SQLite client of the same file, a pg client. Such an add
   * waits neither for room nor for a store that is away. Default: none, stored when the promise resolves.
   */
  readonly transaction?: unknown
}

const NAMES = [
  'priority',
  'delay',
  'runAt',
  'expiresIn',
  'id',
  'maxRetries',
  'correlationId',
  'headers',
  'tags',
]
const NOTHING = Object.freeze({})
const NO_TAGS: readonly string[] = Object.freeze([])

/** The header that carries the correlation id. */
export const CORRELATION_HEADER = 'correlation-id'

/**
 * The complete job that a store takes. Checked by hand, not by a table: this runs for every job.
 * @throws InvalidOptionError naming the option.
 */
export function newJob(
  type: string,
  payload: Encoded,
  codec: string,
  options: AddOptions | undefined,
  dedupeMs: number,
): NewJob {
  const given: AddOptions = options ?? NOTHING
  for (const name in given) if (!NAMES.includes(name)) throw unknownName('job option', name, NAMES)
  const { priority = 1, id, runAt, maxRetries, tags = NO_TAGS } = given
  if (!Number.isInteger(priority) || priority < 0 || priority > 1000)
    fail('priority', 'an integer from 0 to 1000', priority)
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0)) {
    fail('maxRetries', 'an integer of at least 0', maxRetries)
  }
  if (runAt !== undefined && !(runAt instanceof Date && Number.isFinite(runAt.getTime())))
    fail('runAt', 'a valid Date', runAt)
  if (id !== undefined) checkName('id', id, 200)
  if (tags !== NO_TAGS) checkTags(tags)
  return {
    id: id ?? newId(),
    type,
    payload,
    codec,
    priority,
    runAt: runAt === undefined ? null : runAt.getTime(),
    delayMs: given.delay === undefined ? 0 : toMs(given.delay, 'delay'),
    expireMs: given.expiresIn === undefined ? null : toMs(given.expiresIn, 'expiresIn'),
    maxRetries: maxRetries ?? null,
    dedupeMs: id === undefined ? 0 : dedupeMs,
    headers: headersOf(given),
    tags: tags === NO_TAGS ? tags : [...tags],
    key: null,
    uniqueKey: null,
    uniqueMs: null,
    parent: null,
  }
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001F\u007F]/

/** A text that names something: not empty, not too long, without control characters. */
export function checkName(option: string, value: unknown, longest: number): string {
  if (
    typeof value !== 'string' ||
    value === '' ||
    value.length > longest ||
    CONTROL.test(value) ||
    !value.isWellFormed()
  ) {
    fail(option, `a text of 1 to ${longest} characters without control characters`, value)
  }
  return value
}

const QUEUE_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._:-]{0,99}$/u

/** Queue names end up in keys, channels, file names and URLs of stores, so they are kept plain. */
export function checkQueueName(value: unknown): string {
  if (typeof value !== 'string' || !QUEUE_NAME.test(value)) {
    fail(
      'name',
      'a queue name of 1 to 100 letters, digits and . _ : - that starts with a letter or digit',
      value,
    )
  }
  return value
}

function checkTags(tags: readonly string[]): void {
  if (!Array.isArray(tags) || tags.length > 20) fail('tags', 'an array of at most 20 texts', tags)
  for (const tag of tags) checkName('tags', tag, 100)
}

function headersOf({ headers, correlationId }: AddOptions): Readonly<Record<string, string>> {
  if (headers === undefined && correlationId === undefined) return NOTHING
  if (headers !== undefined && (typeof headers !== 'object' || headers === null))
    fail('headers', 'an object of texts', headers)
  for (const [name, value] of Object.entries(headers ?? NOTHING)) {
    if (typeof value !== 'string') fail(`headers.${name}`, 'a text', value)
  }
  if (correlationId === undefined) return { ...headers }
  return { ...headers, [CORRELATION_HEADER]: checkName('correlationId', correlationId, 200) }
}

function fail(option: string, expected: string, value: unknown): never {
  throw new InvalidOptionError(option, `expected ${option} to be ${expected}, got: ${show(value)}`)
}
