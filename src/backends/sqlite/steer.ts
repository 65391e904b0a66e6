import type { JobFilter } from '../../queue/backend.ts'
import type { JobState } from '../../queue/job.ts'
import { apply, applyTo } from './event.ts'
import { RECORD_COLUMNS, recordOf } from './row.ts'
import { searchWindow } from './search.ts'
import type { Session } from './session.ts'

/** Pauses or resumes. In a transaction. */
export function setPaused(session: Session, name: string, paused: boolean): void {
  const queue = session.queue(name)
  queue.paused = paused
  queue.control++
  session.wake(queue)
}

/** Gives up jobs. In a transaction. */
export function cancel(
  session: Session,
  name: string,
  ids: readonly string[],
  keepMs: number | null,
): ('cancelled' | 'not-found' | 'finished')[] {
  const queue = session.queue(name)
  const find = session.db.statement(`SELECT ${RECORD_COLUMNS} FROM job WHERE queue_id = ? AND id = ?`)
  return ids.map((id) => {
    const row = find.get(queue.id, id)
    if (row === undefined) return 'not-found'
    const job = recordOf(session, row)
    if (!apply(session, job, { kind: 'cancelled', keepMs })) return 'finished'
    if (job.state === 'active') {
      queue.control++
      session.wake(queue)
    }
    return 'cancelled'
  })
}

/** What can be done to all jobs that match a filter, each from some states only. */
export interface Sweep {
  readonly from: readonly JobState[]
  /** @returns whether it did. */
  readonly act: (session: Session, seq: number) => boolean
}

export const REPLAY: Sweep = {
  from: ['dead', 'cancelled'],
  act: (session, seq) => applyTo(session, seq, { kind: 'replay' }) !== undefined,
}

export const PURGE: Sweep = {
  from: ['waiting', 'delayed', 'blocked', 'done', 'dead', 'cancelled'],
  act: (session, seq) => {
    const row = session.db.statement('DELETE FROM job WHERE seq = ? RETURNING queue_id, state').get(seq)!
    session.moved(session.queueOf(row[0] as number), row[1] as number, null, 1)
    return true
  },
}

/** Does it to the jobs of one window. In a transaction. @returns how many matched and how many it was done to. */
export function sweepWindow(
  session: Session,
  { from, act }: Sweep,
  filter: JobFilter,
  after: number,
  limit: number,
): { looked: number; count: number; next: number | null } {
  const { rows, next } = searchWindow(session, filter, 'seq', from, after, limit)
  let count = 0
  for (const row of rows) if (act(session, row[0] as number)) count++
  return { looked: rows.length, count, next }
}
