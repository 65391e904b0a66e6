import type { EnqueueResult } from '../../queue/backend.ts'
import type { NewJob } from '../../queue/job.ts'
import { created } from '../../queue/transition.ts'
import type { SqliteValue } from './client.ts'
import { bytesOf, headersText, tagsText } from './row.ts'
import { STATE } from './schema.ts'
import type { QueueRow, Session } from './session.ts'
import { isBindable, PAYLOAD_UTF16, stored } from './text.ts'

/** Puts jobs into a queue. In a transaction; the answers are in the order of the jobs. */
export function enqueue(
  session: Session,
  name: string,
  jobs: readonly NewJob[],
  maxLength: number | null,
): EnqueueResult[] {
  if (jobs.length === 0) return []
  const queue = session.queue(name)
  const inserts = new Inserts(session, queue, jobs.length)
  const room = maxLength === null || unfinished(queue) + jobs.length <= maxLength
  for (const job of jobs) {
    const bytes = bytesOf(job.payload)
    if (bytes > session.maxPayloadBytes || !room) {
      // What is known already is a duplicate, however full the queue is.
      inserts.flush()
      const refused = refusal(session, queue, job, bytes, maxLength)
      if (refused !== undefined) {
        inserts.results.push(refused)
        continue
      }
    }
    inserts.add(job, bytes)
  }
  inserts.flush()
  session.wake(queue)
  return inserts.results
}

function unfinished({ counts }: QueueRow): number {
  return counts[STATE.waiting]! + counts[STATE.delayed]! + counts[STATE.blocked]! + counts[STATE.active]!
}

function refusal(
  session: Session,
  queue: QueueRow,
  { id }: NewJob,
  bytes: number,
  maxLength: number | null,
): EnqueueResult | undefined {
  const known = seqOf(session, queue, id)
  if (known !== undefined) return { status: 'duplicate', id, seq: known }
  if (bytes > session.maxPayloadBytes) {
    const reason = `expected the payload to have at most ${session.maxPayloadBytes} bytes, got: ${bytes}`
    return { status: 'rejected', id, code: 'PAYLOAD_TOO_LARGE', reason }
  }
  const length = unfinished(queue)
  if (maxLength === null || length < maxLength) return undefined
  const reason = `expected the queue "${queue.name}" to hold fewer than ${maxLength} unfinished jobs, got: ${length}`
  return { status: 'rejected', id, code: 'QUEUE_FULL', reason }
}

function seqOf(session: Session, queue: QueueRow, id: string): number | undefined {
  const row = session.db.statement('SELECT seq FROM job WHERE queue_id = ? AND id = ?').get(queue.id, id)
  return row?.[0] as number | undefined
}

/** How many plain jobs go into one statement: above this the gain is small, and one duplicate costs more. */
const ROWS = 32

const PLAIN = 'seq, queue_id, type_id, id, rank, created_at, max_retries, payload'
const ROW = '(?, ?, ?, ?, ?, ?, ?, ?)'
const INSERT = `INSERT INTO job (${PLAIN}) VALUES ${ROW} ON CONFLICT (queue_id, id) DO NOTHING`
const INSERT_ROWS = `INSERT INTO job (${PLAIN}) VALUES ${Array<string>(ROWS).fill(ROW).join(', ')} ON CONFLICT (queue_id, id) DO NOTHING`
const INSERT_FULL = `
  INSERT INTO job (${PLAIN}, state, run_at, expires_at, dedupe_ms, lane, unique_key, unique_until, parent, codec, headers, tags, utf16)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (queue_id, id) DO NOTHING`

/** Inserts jobs in their order, most of them many to a statement. */
class Inserts {
  readonly results: EnqueueResult[] = []
  readonly #session: Session
  readonly #queue: QueueRow
  #seq: number
  /** Plain jobs that are not in the table yet, and their columns. */
  #ids: string[] = []
  #values: SqliteValue[] = []
  #lastType = ''
  #lastTypeId = 0

  constructor(session: Session, queue: QueueRow, count: number) {
    this.#session = session
    this.#queue = queue
    // The giants of the past are gone.
    if (queue.counts.every((count) => count === 0)) queue.largest = 0
    this.#seq = session.takeSeqs(count)
  }

  add(job: NewJob, bytes: number): void {
    const queue = this.#queue
    if (bytes > queue.largest) {
      queue.largest = bytes
      queue.dirty = true
    }
    if (!isPlain(job)) {
      // In their order: the first of two with the same id is the one that stays.
      this.flush()
      this.#insertFull(job)
      return
    }
    this.#ids.push(job.id)
    this.#values.push(
      this.#seq++,
      queue.id,
      this.#typeId(job.type),
      job.id,
      0 - job.priority,
      this.#session.wall,
      job.maxRetries,
      job.payload,
    )
    if (this.#ids.length === ROWS) this.flush()
  }

  flush(): void {
    const ids = this.#ids
    const values = this.#values
    if (ids.length === 0) return
    const { db } = this.#session
    const width = values.length / ids.length
    let added = 0
    if (ids.length === ROWS) added = db.statement(INSERT_ROWS).run(...values)
    else {
      const insert = db.statement(INSERT)
      for (let at = 0; at < values.length; at += width) added += insert.run(...values.slice(at, at + width))
    }
    this.#session.moved(this.#queue, null, STATE.waiting, added)
    for (let at = 0; at < ids.length; at++) {
      const seq = values[at * width] as number
      if (added === ids.length) this.results.push({ status: 'added', id: ids[at]!, seq })
      else this.#answer(ids[at]!, seq)
    }
    this.#ids = []
    this.#values = []
  }

  #insertFull(job: NewJob): void {
    const { db, wall } = this.#session
    const queue = this.#queue
    const record = created(queue.name, job, this.#seq++, wall)
    const payload = stored(record.payload)
    const added = db
      .statement(INSERT_FULL)
      .run(
        record.seq,
        queue.id,
        this.#typeId(record.type),
        record.id,
        0 - record.priority,
        record.createdAt,
        record.maxRetries,
        payload,
        STATE[record.state],
        record.runAt,
        record.expiresAt,
        record.dedupeMs === 0 ? null : record.dedupeMs,
        record.key,
        record.uniqueKey,
        record.uniqueUntil,
        record.parent,
        record.codec === 'json' ? null : record.codec,
        headersText(record.headers),
        tagsText(record.tags),
        typeof payload === typeof record.payload ? null : PAYLOAD_UTF16,
      )
    if (added === 1) this.#session.moved(queue, null, STATE[record.state], 1)
    this.#answer(record.id, record.seq)
  }

  /** Whether the job is there under the number that it was given, or under an older one. */
  #answer(id: string, seq: number): void {
    const present = seqOf(this.#session, this.#queue, id)!
    this.results.push({ status: present === seq ? 'added' : 'duplicate', id, seq: present })
  }

  #typeId(type: string): number {
    if (type !== this.#lastType || this.#lastTypeId === 0) {
      this.#lastType = type
      this.#lastTypeId = this.#session.names.typeId(this.#session.db, this.#queue.id, type)
    }
    return this.#lastTypeId
  }
}

/** Has nothing that only few jobs have. */
function isPlain(job: NewJob): boolean {
  return (
    job.runAt === null &&
    job.delayMs === 0 &&
    job.expireMs === null &&
    job.dedupeMs === 0 &&
    job.codec === 'json' &&
    job.tags.length === 0 &&
    job.key === null &&
    job.uniqueKey === null &&
    job.uniqueMs === null &&
    job.parent === null &&
    headersText(job.headers) === null &&
    isBindable(job.payload)
  )
}
