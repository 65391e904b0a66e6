import { InvalidOptionError, show } from '../../core/errors.ts'
import type { ClaimRequest, ClaimResult } from '../../queue/backend.ts'
import type { ClaimedJob } from '../../queue/job.ts'
import type { Row } from './database.ts'
import { due, promote } from './due.ts'
import { applyTo } from './event.ts'
import { bytesOf, CLAIM_COLUMNS, claimedOf } from './row.ts'
import { STATE } from './schema.ts'
import type { QueueRow, Session } from './session.ts'
import { isRun } from './run.ts'
import { headRows, headSeqs, type Line } from './waiting.ts'
import { isUtf16, PAYLOAD_UTF16, unstored } from './text.ts'

const NONE: readonly ClaimedJob[] = Object.freeze([])
/** A claim promotes no more than this, or than its limit. */
const PROMOTED = 100
/** A claim that meets more expired jobs than this leaves the others to upkeep. */
const EXPIRED = 1000

/** @throws InvalidOptionError unless the token is one of the owner: its jobs are found by that. */
export function checkToken({ owner, token }: ClaimRequest): void {
  if (token.startsWith(`${owner}:`) && !token.includes(':', owner.length + 1)) return
  throw new InvalidOptionError('token', `expected token to be "${owner}:" and a number, got: ${show(token)}`)
}

/**
 * The answer to a claim when it can be given without taking anything, so that workers with nothing to do never
 * take the write lock; undefined when there may be something to take.
 */
export function peek(session: Session, request: ClaimRequest): ClaimResult | undefined {
  const queue = session.findQueue(request.queue)
  if (queue === undefined) {
    return { jobs: NONE, suspectWaiting: false, nextDueMs: null, paused: false, control: 0 }
  }
  const held = heldBy(session, queue, request.token)
  if (held !== undefined) return answer(session, queue, request, held)
  if (!queue.paused && request.limit > 0) {
    if (due(session, queue) !== undefined) return undefined
    if (headSeqs(session.db, lineOf(session, queue, request), 1).length > 0) return undefined
  }
  return answer(session, queue, request, NONE)
}

/** Takes jobs. In a transaction. */
export function claim(session: Session, request: ClaimRequest): ClaimResult {
  const queue = session.queue(request.queue)
  const jobs = heldBy(session, queue, request.token) ?? take(session, queue, request)
  return answer(session, queue, request, jobs)
}

function answer(
  session: Session,
  queue: QueueRow,
  request: ClaimRequest,
  jobs: readonly ClaimedJob[],
): ClaimResult {
  const next = due(session, queue, Infinity)
  return {
    jobs,
    suspectWaiting: hasSuspect(session, queue, request),
    nextDueMs: next === undefined ? null : Math.max(0, next - session.wall),
    paused: queue.paused,
    control: queue.control,
  }
}

/** What the token holds already: this is the second time it is asked for. */
function heldBy(session: Session, queue: QueueRow, token: string): ClaimedJob[] | undefined {
  const rows = session.db.statement(HELD).all(token, queue.id)
  if (rows.length === 0) return undefined
  return rows.map((row) =>
    claimedOf(row, session.names.typeName(session.db, row[2] as number), token, row[16] === 1),
  )
}

const HELD = `SELECT ${CLAIM_COLUMNS}, started FROM job WHERE token = ? AND queue_id = ? ORDER BY rank, seq`

function take(session: Session, queue: QueueRow, request: ClaimRequest): ClaimedJob[] {
  const { token, leaseMs, renewForMs, start } = request
  if (queue.paused || request.limit <= 0) return []
  promote(session, queue, Math.max(request.limit, PROMOTED))

  const rows = pick(session, queue, request)
  if (rows.length === 0) return []
  const renewUntil = renewForMs === null ? null : session.lease + renewForMs
  const leaseUntil = Math.min(session.lease + leaseMs, renewUntil ?? Infinity)
  const jobs: ClaimedJob[] = []
  const seqs: number[] = []
  let type = ''
  let typeId: unknown
  for (const row of rows) {
    if (row[2] !== typeId) {
      typeId = row[2]
      type = session.names.typeName(session.db, row[2] as number)
    }
    jobs.push(claimedOf(row, type, token, jobs.length < start))
    seqs.push(row[0] as number)
  }
  for (const started of [1, 0]) {
    const these = started === 1 ? seqs.slice(0, start) : seqs.slice(start)
    if (these.length === 0) continue
    const set = [token, leaseUntil, renewUntil, started] as const
    if (isRun(these)) session.db.statement(TAKE_RUN).run(...set, these[0]!, these.at(-1)!)
    else session.db.statement(TAKE).run(...set, JSON.stringify(these))
  }
  session.moved(queue, STATE.waiting, STATE.active, rows.length)
  return jobs
}

const TAKEN = 'UPDATE job SET state = 3, token = ?, lease_until = ?, renew_until = ?, started = ?'
const TAKE = `${TAKEN} WHERE seq IN (SELECT value FROM json_each(?))`
const TAKE_RUN = `${TAKEN} WHERE seq BETWEEN ? AND ?`

/** The rows to take: in order, not expired (those are dead-lettered here), and within the limits. */
function pick(session: Session, queue: QueueRow, request: ClaimRequest): Row[] {
  const limit = request.suspects === 'only' ? 1 : request.limit
  // Where any that many would fit, nobody has to measure.
  const measured = queue.largest * limit > request.maxBytes
  const line = lineOf(session, queue, request)
  const picked: Row[] = []
  let bytes = 0
  for (let expired = 0; expired < EXPIRED;) {
    const wanted = limit - picked.length
    // Those that were picked still wait, for all that the table says.
    const rows = headRows(session.db, line, CLAIM_COLUMNS, wanted, picked.length, measured)
    let met = 0
    const late: number[] = []
    let full = false
    for (const row of rows) {
      met++
      const size = measured ? sizeOf(row) : 0
      if (picked.length > 0 && bytes + size > request.maxBytes) {
        full = true
        break
      }
      const expiresAt = row[8] as number | null
      if (expiresAt !== null && expiresAt <= session.wall) {
        late.push(row[0] as number)
        continue
      }
      bytes += size
      picked.push(row)
    }
    for (const seq of late) applyTo(session, seq, { kind: 'expire' })
    if (full || late.length === 0 || met < wanted) break
    expired += late.length
  }
  return picked
}

function lineOf(session: Session, queue: QueueRow, { types, suspects }: ClaimRequest): Line {
  const typeIds: number[] = []
  for (const type of new Set(types)) {
    const id = session.names.findTypeId(session.db, queue.id, type)
    if (id !== undefined) typeIds.push(id)
  }
  return { typeIds, suspects: suspects === 'only' }
}

function sizeOf(row: Row): number {
  return bytesOf(unstored(row[15]!, isUtf16(row[14], PAYLOAD_UTF16)))
}

function hasSuspect(session: Session, queue: QueueRow, request: ClaimRequest): boolean {
  // Most of the time nowhere is any.
  if (session.db.statement('SELECT 1 FROM job WHERE state = 0 AND crashes > 0 LIMIT 1').get() === undefined) {
    return false
  }
  return headSeqs(session.db, lineOf(session, queue, { ...request, suspects: 'only' }), 1).length > 0
}
