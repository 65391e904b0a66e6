import type { MaintainReport, MaintainRequest } from '../../queue/backend.ts'
import { promote } from './due.ts'
import { applyTo } from './event.ts'
import { reapExpired } from './reap.ts'
import { STATE } from './schema.ts'
import type { QueueRow, Session } from './session.ts'
import { headSeqs } from './waiting.ts'

/** One step of the upkeep of a queue. In a transaction. */
export function maintain(session: Session, request: MaintainRequest): MaintainReport {
  const queue = session.queue(request.queue)
  const { lease } = session
  // Nobody looked for longer than a lease: the workers were cut off as well, and may be about to come back.
  const last = queue.maintained
  const gap = last === null || lease - last > request.leaseMs
  if (gap) queue.graceUntil = lease + request.leaseMs
  queue.maintained = lease
  queue.dirty = true
  noteHandled(session, queue, request.types)

  let left = request.limit
  const grace = queue.graceUntil !== null && lease < queue.graceUntil
  // At a gap, what had run out when upkeep last ran has had its grace.
  const bound = gap ? (last ?? NONE) : grace ? NONE : lease
  const { returned, crashed, dead } = reapExpired(session, queue, request, bound, left)
  left -= returned + crashed.length + dead.length
  const promoted = promote(session, queue, left)
  if (promoted > 0) session.wake(queue)
  left -= promoted
  left -= expire(session, queue, left)
  const removed = sweep(session, queue, left)
  left -= removed
  const unhandled = unhandledTypes(session, queue, request, gap, left)
  for (const each of unhandled) left -= each.dead
  return { returned, crashed, dead, promoted, removed, unhandled, more: left <= 0 }
}

/** Before all leases of this boot of the machine; those of another have been set to it. */
const NONE = -1

function noteHandled(session: Session, queue: QueueRow, types: readonly string[]): void {
  const note = session.db.statement('UPDATE type SET handled = ?, unhandled_since = NULL WHERE type_id = ?')
  for (const type of types) note.run(session.lease, session.names.typeId(session.db, queue.id, type))
}

const STARTABLE = [STATE.waiting, STATE.delayed]

/** Dead-letters what was not started in time. */
function expire(session: Session, queue: QueueRow, limit: number): number {
  if (STARTABLE.every((state) => queue.counts[state] === 0)) return 0
  const rows = session.db.statement(LATE).all(queue.id, session.wall, limit)
  for (const row of rows) applyTo(session, row[0] as number, { kind: 'expire' })
  return rows.length
}

const LATE = `
  SELECT seq FROM job WHERE queue_id = ? AND expires_at IS NOT NULL AND state < 2 AND expires_at <= ?
  ORDER BY expires_at LIMIT ?`

const FINISHED = [STATE.done, STATE.dead, STATE.cancelled]

/** Removes what was kept for long enough. */
function sweep(session: Session, queue: QueueRow, limit: number): number {
  if (FINISHED.every((state) => queue.counts[state] === 0)) return 0
  const rows = session.db.statement(SWEEP).all(queue.id, session.wall, limit)
  for (const row of rows) session.moved(queue, row[0] as number, null, 1)
  return rows.length
}

const SWEEP = `
  DELETE FROM job WHERE seq IN (
    SELECT seq FROM job WHERE queue_id = ? AND keep_until IS NOT NULL AND keep_until <= ? ORDER BY keep_until LIMIT ?)
  RETURNING state`

/**
 * The types that nobody runs though jobs of them wait; those that were so for too long are dead-lettered. The
 * time is counted only while upkeep is being done, or else the first worker to start after an outage would bury
 * the others' jobs.
 */
function unhandledTypes(
  session: Session,
  queue: QueueRow,
  { leaseMs, unhandledGraceMs }: MaintainRequest,
  gap: boolean,
  limit: number,
): MaintainReport['unhandled'][number][] {
  const { db, lease } = session
  const found: MaintainReport['unhandled'][number][] = []
  let left = limit
  const rows = db
    .statement('SELECT type_id, name, handled, unhandled_since FROM type WHERE queue_id = ? ORDER BY type_id')
    .all(queue.id)
  for (const row of rows) {
    const typeId = row[0] as number
    const handled = row[2] as number | null
    const before = row[3] as number | null
    const isHandled = handled !== null && lease - handled <= leaseMs
    const since = isHandled || !waits(session, typeId) ? null : gap ? lease : (before ?? lease)
    if (since !== before)
      db.statement('UPDATE type SET unhandled_since = ? WHERE type_id = ?').run(since, typeId)
    if (since === null) continue
    const forMs = lease - since
    const dead = forMs < unhandledGraceMs ? 0 : bury(session, typeId, left)
    left -= dead
    found.push({ type: row[1] as string, forMs, dead })
  }
  return found
}

function waits({ db }: Session, typeId: number): boolean {
  return [false, true].some((suspects) => headSeqs(db, { typeIds: [typeId], suspects }, 1).length > 0)
}

function bury(session: Session, typeId: number, limit: number): number {
  if (limit <= 0) return 0
  const seqs = headSeqs(session.db, { typeIds: [typeId], suspects: false }, limit)
  if (seqs.length < limit)
    seqs.push(...headSeqs(session.db, { typeIds: [typeId], suspects: true }, limit - seqs.length))
  for (const seq of seqs) applyTo(session, seq, { kind: 'unhandled' })
  return seqs.length
}
