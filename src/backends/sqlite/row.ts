import type { ClaimedJob, Encoded, HistoryEntry, JobError, JobRecord } from '../../queue/job.ts'
import { JOB_STATES } from '../../queue/job.ts'
import type { JobChange } from '../../queue/transition.ts'
import type { SqliteValue } from './client.ts'
import type { Row } from './database.ts'
import { type QueueRow, type Session } from './session.ts'
import { STATE } from './schema.ts'
import { isUtf16, PAYLOAD_UTF16, RESULT_UTF16, stored, unstored } from './text.ts'

/** What of a job a worker gets to see, for `claimedOf`. */
export const CLAIM_COLUMNS =
  'seq, id, type_id, rank, attempt, crashes, max_retries, created_at, expires_at, held_since, lane, codec, headers, tags, utf16, payload'

/** Everything but the payload, for `recordOf`: events are decided without it. */
export const RECORD_COLUMNS = `seq, queue_id, type_id, id, rank, state, attempt, crashes, started, token, lease_until, created_at,
  run_at, expires_at, finished_at, keep_until, held_since, max_retries, dedupe_ms, lane, unique_key, unique_until,
  parent, pending, codec, headers, tags, progress, error, history, utf16, result`

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})
const NO_TAGS: readonly string[] = Object.freeze([])
const NO_HISTORY: readonly HistoryEntry[] = Object.freeze([])

/** @param row of CLAIM_COLUMNS. */
export function claimedOf(row: Row, type: string, token: string, started: boolean): ClaimedJob {
  return {
    id: row[1] as string,
    seq: row[0] as number,
    type,
    // 0 - 0, for -0 is another value to many.
    priority: 0 - (row[3] as number),
    payload: unstored(row[15]!, isUtf16(row[14], PAYLOAD_UTF16)),
    codec: (row[11] as string | null) ?? 'json',
    attempt: row[4] as number,
    crashes: row[5] as number,
    maxRetries: row[6] as number | null,
    createdAt: row[7] as number,
    expiresAt: row[8] as number | null,
    heldSince: row[9] as number | null,
    headers: headersOf(row[12]),
    tags: tagsOf(row[13]),
    key: row[10] as string | null,
    token,
    started,
  }
}

/** @param row of RECORD_COLUMNS, and the payload where it is wanted. */
export function recordOf(session: Session, row: Row): JobRecord {
  const token = row[9] as string | null
  const utf16 = row[30]
  const payload = row[32]
  const result = row[31]!
  return {
    id: row[3] as string,
    queue: session.queueOf(row[1] as number).name,
    type: session.names.typeName(session.db, row[2] as number),
    seq: row[0] as number,
    priority: 0 - (row[4] as number),
    payload: payload === undefined ? '' : unstored(payload, isUtf16(utf16, PAYLOAD_UTF16)),
    codec: (row[24] as string | null) ?? 'json',
    state: JOB_STATES[row[5] as number]!,
    runAt: row[12] as number | null,
    maxRetries: row[17] as number | null,
    dedupeMs: (row[18] as number | null) ?? 0,
    headers: headersOf(row[25]),
    tags: tagsOf(row[26]),
    key: row[19] as string | null,
    uniqueKey: row[20] as string | null,
    uniqueUntil: row[21] as number | null,
    parent: row[22] as string | null,
    createdAt: row[11] as number,
    expiresAt: row[13] as number | null,
    attempt: row[6] as number,
    crashes: row[7] as number,
    started: row[8] === 1,
    owner: token === null ? null : token.slice(0, token.lastIndexOf(':')),
    token,
    leaseUntil: row[10] as number | null,
    heldSince: row[16] as number | null,
    pending: row[23] as number,
    result: result === null ? null : unstored(result, isUtf16(utf16, RESULT_UTF16)),
    progress: row[27] as string | null,
    error: parsed<JobError | null>(row[28], null),
    history: parsed(row[29], NO_HISTORY),
    finishedAt: row[14] as number | null,
    keepUntil: row[15] as number | null,
  }
}

/** Writes what an event changed (never a claim: it has its own way), and keeps the counts. */
export function save(session: Session, queue: QueueRow, job: JobRecord, change: JobChange): void {
  const from = STATE[job.state]
  if (change.removed === true) {
    session.db.statement('DELETE FROM job WHERE seq = ?').run(job.seq)
    session.moved(queue, from, null, 1)
    return
  }
  const next = { ...job, ...change }
  const result = next.result === null ? null : stored(next.result)
  session.db
    .statement(SAVE)
    .run(
      STATE[next.state],
      next.attempt,
      next.crashes,
      next.started ? 1 : 0,
      next.token,
      next.leaseUntil,
      next.token,
      next.runAt,
      next.expiresAt,
      next.finishedAt,
      next.keepUntil,
      next.heldSince,
      next.error === null ? null : JSON.stringify(next.error),
      next.history.length === 0 ? null : JSON.stringify(next.history),
      result,
      RESULT_UTF16,
      typeof next.result === 'string' && typeof result !== 'string' ? RESULT_UTF16 : 0,
      job.seq,
    )
  if (change.payload !== undefined) {
    session.db
      .statement('UPDATE job SET payload = ?, codec = ?, utf16 = utf16 & ? WHERE seq = ?')
      .run(change.payload, next.codec, RESULT_UTF16, job.seq)
  }
  const to = STATE[next.state]
  if (to === from) return
  session.moved(queue, from, to, 1)
  if (next.state === 'waiting' || next.state === 'delayed') session.wake(queue)
}

const SAVE = `
  UPDATE job SET state = ?, attempt = ?, crashes = ?, started = ?, token = ?, lease_until = ?,
    renew_until = CASE WHEN ? IS NULL THEN NULL ELSE renew_until END,
    run_at = ?, expires_at = ?, finished_at = ?, keep_until = ?, held_since = ?, error = ?, history = ?, result = ?,
    utf16 = nullif((coalesce(utf16, 0) & ~?) | ?, 0)
  WHERE seq = ?`

/** Headers as they are kept: nothing for none. */
export function headersText(headers: Readonly<Record<string, string>>): SqliteValue {
  for (const _ in headers) return JSON.stringify(headers)
  return null
}

export function tagsText(tags: readonly string[]): SqliteValue {
  return tags.length === 0 ? null : JSON.stringify(tags)
}

function headersOf(value: SqliteValue | undefined): Readonly<Record<string, string>> {
  return parsed(value, NO_HEADERS)
}

function tagsOf(value: SqliteValue | undefined): readonly string[] {
  return parsed(value, NO_TAGS)
}

function parsed<T>(value: SqliteValue | undefined, none: T): T {
  return typeof value === 'string' ? (JSON.parse(value) as T) : none
}

export function bytesOf(encoded: Encoded): number {
  return typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.byteLength
}
