import { STATE } from './schema.ts'
import type { QueueRow, Session } from './session.ts'

/** When the first delayed job can run, by the wall clock, if that is not after `until`. */
export function due(session: Session, queue: QueueRow, until: number = session.wall): number | undefined {
  if (queue.counts[STATE.delayed] === 0) return undefined
  const row = session.db
    .statement('SELECT run_at FROM job WHERE queue_id = ? AND state = 1 ORDER BY run_at LIMIT 1')
    .get(queue.id)
  const at = row?.[0] as number | undefined
  return at !== undefined && at <= until ? at : undefined
}

/** What `transition` says of `due`, for `limit` jobs at once. @returns how many were promoted. */
export function promote(session: Session, queue: QueueRow, limit: number): number {
  if (due(session, queue) === undefined) return 0
  const count = session.db.statement(PROMOTE).run(queue.id, session.wall, limit)
  session.moved(queue, STATE.delayed, STATE.waiting, count)
  return count
}

const PROMOTE = `
  UPDATE job SET state = 0, run_at = NULL WHERE seq IN (
    SELECT seq FROM job WHERE queue_id = ? AND state = 1 AND run_at <= ? ORDER BY run_at, seq LIMIT ?)`
