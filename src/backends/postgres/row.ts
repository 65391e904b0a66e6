import type { ClaimedJob, HistoryEntry, JobError, JobRecord, JobState, NewJob } from '../../queue/job.ts'
import { PLACE } from './schema.ts'
import { HOLDS } from './sql/holds.ts'
import type { Row, Session } from './session.ts'
import { escaped, unescaped, unkept } from './text.ts'

/** What few jobs bring with them, as `job.more` has it. */
interface More {
  codec?: string
  maxRetries?: number
  headers?: Readonly<Record<string, string>>
  tags?: readonly string[]
  key?: string
  uniqueKey?: string
  parent?: string
}

/** What few jobs go through, as `job.note` has it. */
interface Note {
  attempt?: number
  heldSince?: number
  error?: JobError
  history?: readonly HistoryEntry[]
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})
const NO_TAGS: readonly string[] = Object.freeze([])
const NO_MORE: More = Object.freeze({})
const NO_NOTE: Note = Object.freeze({})
const NO_HISTORY: readonly HistoryEntry[] = Object.freeze([])

export function moreOf(job: Omit<NewJob, 'delayMs' | 'expireMs' | 'uniqueMs' | 'payload'>): string | null {
  const more: More = {}
  if (job.codec !== 'json') more.codec = escaped(job.codec)
  if (job.maxRetries !== null) more.maxRetries = job.maxRetries
  for (const _ in job.headers) {
    const pairs = Object.entries(job.headers)
    more.headers = Object.fromEntries(pairs.map(([name, value]) => [escaped(name), escaped(value)]))
    break
  }
  if (job.tags.length > 0) more.tags = job.tags.map(escaped)
  if (job.key !== null) more.key = escaped(job.key)
  if (job.uniqueKey !== null) more.uniqueKey = escaped(job.uniqueKey)
  if (job.parent !== null) more.parent = escaped(job.parent)
  for (const _ in more) return JSON.stringify(more)
  return null
}

export function noteOf({ attempt, heldSince, error, history }: JobRecord): string | null {
  const note: Note = {}
  if (attempt > 0) note.attempt = attempt
  if (heldSince !== null) note.heldSince = heldSince
  if (error !== null) note.error = errorWith(escaped, error)
  if (history.length > 0) {
    note.history = history.map((entry) => ({
      ...entry,
      error: entry.error && errorWith(escaped, entry.error),
    }))
  }
  for (const _ in note) return JSON.stringify(note)
  return null
}

/** JSON of ours has no NUL, not even escaped: searches read it as jsonb. */
function errorWith(map: (text: string) => string, { name, message, code, stack }: JobError): JobError {
  return {
    name: map(name),
    message: map(message),
    code: code === null ? null : map(code),
    stack: stack === null ? null : map(stack),
  }
}

/** One of a claim; the other fields come from the claim itself. */
export function claimedOf(fields: {
  readonly id: string
  readonly seq: number
  readonly type: string
  readonly rank: number
  readonly payload: string
  readonly form: number | null
  readonly more: string | null
  readonly note: string | null
  readonly crashes: number | null
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly token: string
  readonly started: boolean
}): ClaimedJob {
  const more = fields.more === null ? NO_MORE : (JSON.parse(fields.more) as More)
  const note = fields.note === null ? NO_NOTE : (JSON.parse(fields.note) as Note)
  return {
    id: unescaped(fields.id),
    seq: fields.seq,
    type: fields.type,
    priority: 0 - fields.rank,
    payload: unkept(fields.payload, fields.form),
    codec: more.codec === undefined ? 'json' : unescaped(more.codec),
    attempt: note.attempt ?? 0,
    crashes: fields.crashes ?? 0,
    maxRetries: more.maxRetries ?? null,
    createdAt: fields.createdAt,
    expiresAt: fields.expiresAt,
    heldSince: note.heldSince ?? null,
    headers: headersOf(more),
    tags: more.tags?.map(unescaped) ?? NO_TAGS,
    key: more.key === undefined ? null : unescaped(more.key),
    token: fields.token,
    started: fields.started,
  }
}

/** What `recordOf` reads, from `FROM_JOBS`. */
export const RECORD_COLUMNS = `j.seq, q.name, l.type, l.rank, j.id, j.place, j.created_at, j.run_at, j.expires_at, j.more, j.note,
  j.crashes, j.dedupe_ms, j.unique_until, j.progress, j.finished_at, j.keep_until, j.result, j.result_form, c.started,
  c.token, c.lease_until`
export const PAYLOAD_COLUMNS = 'j.payload, j.form'

export function joined({ s }: Session): string {
  return `JOIN ${s}.line l ON l.line_id = j.line_id JOIN ${s}.queue q ON q.queue_id = j.queue_id
    LEFT JOIN ${s}.claim c ON c.queue_id = j.queue_id AND c.seq = j.seq AND ${HOLDS}`
}

/** @param row of RECORD_COLUMNS, then PAYLOAD_COLUMNS where the payload is wanted. */
export function recordOf(row: Row): JobRecord {
  const more = row[9] === null || row[9] === undefined ? NO_MORE : (JSON.parse(row[9]) as More)
  const note = row[10] === null || row[10] === undefined ? NO_NOTE : (JSON.parse(row[10]) as Note)
  const token = row[20] === null || row[20] === undefined ? null : unescaped(row[20])
  const result = row[17]
  return {
    id: unescaped(row[4]!),
    queue: unescaped(row[1]!),
    type: unescaped(row[2]!),
    seq: Number(row[0]),
    priority: 0 - Number(row[3]),
    payload: row[22] === undefined ? '' : unkept(row[22]!, numberOf(row[23])),
    codec: more.codec === undefined ? 'json' : unescaped(more.codec),
    state: token === null ? (STATE_OF.get(Number(row[5])) ?? 'waiting') : 'active',
    runAt: numberOf(row[7]),
    maxRetries: more.maxRetries ?? null,
    dedupeMs: numberOf(row[12]) ?? 0,
    headers: headersOf(more),
    tags: more.tags?.map(unescaped) ?? NO_TAGS,
    key: more.key === undefined ? null : unescaped(more.key),
    uniqueKey: more.uniqueKey === undefined ? null : unescaped(more.uniqueKey),
    uniqueUntil: numberOf(row[13]),
    parent: more.parent === undefined ? null : unescaped(more.parent),
    createdAt: Number(row[6]),
    expiresAt: numberOf(row[8]),
    attempt: note.attempt ?? 0,
    crashes: numberOf(row[11]) ?? 0,
    started: row[19] === 't',
    owner: token === null ? null : token.slice(0, token.lastIndexOf(':')),
    token,
    leaseUntil: numberOf(row[21]),
    heldSince: note.heldSince ?? null,
    pending: 0,
    result: result === null || result === undefined ? null : unkept(result, numberOf(row[18])),
    progress: row[14] === null || row[14] === undefined ? null : unescaped(row[14]),
    error: note.error === undefined ? null : errorWith(unescaped, note.error),
    history:
      note.history?.map((entry) => ({ ...entry, error: entry.error && errorWith(unescaped, entry.error) })) ??
      NO_HISTORY,
    finishedAt: numberOf(row[15]),
    keepUntil: numberOf(row[16]),
  }
}

const STATE_OF = new Map<number, JobState>([
  [PLACE.DELAYED, 'delayed'],
  [PLACE.DONE, 'done'],
  [PLACE.DEAD, 'dead'],
  [PLACE.CANCELLED, 'cancelled'],
])
const PLACE_OF = new Map([...STATE_OF].map(([place, state]) => [state, place]))

/** Where a job goes that comes from a worker, or stays with it no longer. */
export function placeOf({ state, crashes }: JobRecord): number {
  return PLACE_OF.get(state) ?? (crashes > 0 ? PLACE.SUSPECT : PLACE.BACK)
}

function headersOf({ headers }: More): Readonly<Record<string, string>> {
  if (headers === undefined) return NO_HEADERS
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [unescaped(name), unescaped(value)]),
  )
}

function numberOf(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Number(text)
}
