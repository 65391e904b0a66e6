import type { CrashPolicy, ReapReport } from '../../queue/backend.ts'
import type { Row } from './database.ts'
import { apply } from './event.ts'
import { RECORD_COLUMNS, recordOf } from './row.ts'
import { STATE } from './schema.ts'
import type { QueueRow, Session } from './session.ts'

/**
 * Takes jobs from owners whose leases have expired. In a transaction.
 * @param bound leases that ran out after it, by the lease clock, are left alone for now.
 */
export function reapExpired(
  session: Session,
  queue: QueueRow,
  policy: CrashPolicy,
  bound: number,
  limit: number,
): ReapReport {
  if (queue.counts[STATE.active] === 0) return report()
  // Active jobs are few, whatever the backlog; they are looked through.
  const rows = session.db.statement(EXPIRED).all(queue.id, bound, limit)
  return reap(session, rows, policy)
}

const EXPIRED = `
  SELECT ${RECORD_COLUMNS} FROM job INDEXED BY job_active
  WHERE token IS NOT NULL AND queue_id = ? AND lease_until <= ? ORDER BY seq LIMIT ?`

/** Takes the jobs of an owner that is known to be dead, in all queues. In a transaction; `limit` at the most. */
export function reapOwner(session: Session, owner: string, policy: CrashPolicy, limit: number): ReapReport {
  return reap(session, session.db.statement(OWNED).all(...tokensOf(owner), limit), policy)
}

const OWNED = `SELECT ${RECORD_COLUMNS} FROM job WHERE token > ? AND token < ? ORDER BY seq LIMIT ?`

/** The bounds between which all tokens of an owner are: `;` follows `:`. */
export function tokensOf(owner: string): [after: string, before: string] {
  return [`${owner}:`, `${owner};`]
}

function reap(session: Session, rows: readonly Row[], policy: CrashPolicy): ReapReport {
  const { crashed, dead } = report()
  let returned = 0
  for (const row of rows) {
    const job = recordOf(session, row)
    apply(session, job, { kind: 'reap', policy })
    if (!job.started) returned++
    else if (job.crashes + 1 < policy.maxCrashes) crashed.push(job.id)
    else dead.push(job.id)
  }
  return { returned, crashed, dead }
}

function report(): { returned: number; crashed: string[]; dead: string[] } {
  return { returned: 0, crashed: [], dead: [] }
}
