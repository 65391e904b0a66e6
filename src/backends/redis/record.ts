import { BackendError } from '../../core/errors.ts'
import type { ClaimedJob, Encoded, JobError, JobRecord, JobState } from '../../queue/job.ts'
import { NO_PAYLOAD } from '../../queue/transition.ts'
import { type Extras, FLAG } from './pack.ts'
import { KIND, unstored } from './text.ts'

/** What was written when a job was added. */
interface Written {
  readonly seq: number
  readonly createdAt: number
  readonly priority: number
  readonly type: string
  readonly expiresAt: number | null
  readonly dedupeMs: number
  readonly codec: string
  readonly extras: Extras
  readonly payload: Encoded
}

const NO_EXTRAS: Extras = Object.freeze({})
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})
const NO_TAGS: readonly string[] = Object.freeze([])

/** The last name that was read, as bytes and as text: most jobs of a claim have one type. */
let lastType = ''
let lastBytes: Buffer = Buffer.alloc(0)

function typeText(record: Buffer, from: number, to: number): string {
  if (to - from === lastBytes.length && record.compare(lastBytes, 0, lastBytes.length, from, to) === 0) {
    return lastType
  }
  lastBytes = Buffer.from(record.subarray(from, to))
  lastType = lastBytes.toString()
  return lastType
}

/** Reads a record: seq, time, then what pack.ts wrote. */
function read(record: Buffer): Written {
  const createdAt = record.readUIntBE(6, 6)
  const flags = record[12]!
  let at = 17 + record.readUInt16BE(15)
  const type = typeText(record, 17, at)
  let expiresAt: number | null = null
  let dedupeMs = 0
  const kind = flags & 3
  let codec = kind === KIND.none ? NO_PAYLOAD : 'json'
  let extras = NO_EXTRAS
  if (flags & FLAG.expires) {
    expiresAt = createdAt + record.readUIntBE(at, 6)
    at += 6
  }
  if (flags & FLAG.dedupes) {
    dedupeMs = record.readUIntBE(at, 6)
    at += 6
  }
  if (flags & FLAG.codec) {
    const length = record.readUInt16BE(at)
    codec = record.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length
  }
  if (flags & FLAG.extras) {
    const length = record.readUInt32BE(at)
    extras = JSON.parse(record.toString('utf8', at + 4, at + 4 + length)) as Extras
    at += 4 + length
  }
  return {
    seq: record.readUIntBE(0, 6),
    createdAt,
    priority: record.readUInt16BE(13),
    type,
    expiresAt,
    dedupeMs,
    codec,
    extras,
    payload: kind === KIND.text ? record.toString('utf8', at) : unstored(kind, record.subarray(at)),
  }
}

/** What became of a job since it was added, as a claim tells it. */
export interface Changes {
  readonly attempt: number
  readonly crashes: number
  readonly heldSince: number | null
  readonly neverExpires: boolean
}

export const UNCHANGED: Changes = Object.freeze({
  attempt: 0,
  crashes: 0,
  heldSince: null,
  neverExpires: false,
})

export function claimedOf(
  entry: Buffer,
  record: Buffer,
  changes: Changes,
  token: string,
  started: boolean,
): ClaimedJob {
  const { seq, createdAt, priority, type, expiresAt, codec, extras, payload } = read(record)
  const { attempt, crashes, heldSince, neverExpires } = changes
  return {
    id: entry.toString('utf8', entry.indexOf(58) + 1),
    seq,
    type,
    priority,
    payload,
    codec,
    attempt,
    crashes,
    maxRetries: extras.maxRetries ?? null,
    createdAt,
    expiresAt: neverExpires ? null : expiresAt,
    heldSince,
    headers: extras.headers ?? NO_HEADERS,
    tags: extras.tags ?? NO_TAGS,
    key: extras.key ?? null,
    token,
    started,
  }
}

/** @param parts as lua/inspect.ts describes a job. */
export function recordOf(queue: string, parts: readonly (Buffer | null)[]): JobRecord {
  const text = (at: number): string => parts[at]?.toString() ?? ''
  const numeric = (at: number): number | null => (parts[at]?.length ? Number(text(at)) : null)
  const written = read(parts[1]!)
  const { extras, createdAt } = written
  const token = text(4) || null
  const result = parts[15]!
  return {
    id: text(0),
    queue,
    type: written.type,
    seq: written.seq,
    priority: written.priority,
    payload: written.payload,
    codec: written.codec,
    state: text(2) as JobState,
    runAt: numeric(6),
    maxRetries: extras.maxRetries ?? null,
    dedupeMs: written.dedupeMs,
    headers: extras.headers ?? NO_HEADERS,
    tags: extras.tags ?? NO_TAGS,
    key: extras.key ?? null,
    uniqueKey: extras.uniqueKey ?? null,
    uniqueUntil: extras.uniqueMs === undefined ? null : createdAt + extras.uniqueMs,
    parent: extras.parent ?? null,
    createdAt,
    expiresAt: text(12) === '1' ? null : written.expiresAt,
    attempt: Number(text(7)),
    crashes: Number(text(8)),
    started: text(3) === '1',
    owner: token === null ? null : token.slice(0, token.lastIndexOf(':')),
    token,
    leaseUntil: numeric(5),
    heldSince: numeric(9),
    pending: 0,
    result: result.length === 0 ? null : unstored(result[0]! - 48, result.subarray(1)),
    progress: parts[16] == null ? null : text(16),
    error: text(13) === '' ? null : (JSON.parse(text(13)) as JobError),
    history: text(14) === '' ? [] : (JSON.parse(text(14)) as JobRecord['history']),
    finishedAt: numeric(10),
    keepUntil: numeric(11),
  }
}

/** The error for what a version to come has written. */
export function newer(what: string): BackendError {
  return new BackendError(
    'BACKEND_NEWER',
    `${what} was written by a newer version of millhand; update this process, or use another prefix`,
  )
}
