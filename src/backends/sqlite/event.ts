import type { JobRecord } from '../../queue/job.ts'
import { type JobEvent, transition } from '../../queue/transition.ts'
import { RECORD_COLUMNS, recordOf, save } from './row.ts'
import type { Session } from './session.ts'

/** Lets an event happen to a job. @returns the job as it was; undefined when there is none, or it cannot happen. */
export function applyTo(session: Session, seq: number, event: JobEvent): JobRecord | undefined {
  const row = session.db.statement(`SELECT ${RECORD_COLUMNS} FROM job WHERE seq = ?`).get(seq)
  if (row === undefined) return undefined
  const job = recordOf(session, row)
  return apply(session, job, event) ? job : undefined
}

/** The same for a job that was read already, in this transaction. */
export function apply(session: Session, job: JobRecord, event: JobEvent): boolean {
  const change = transition(job, event, session.wall)
  if (change === undefined) return false
  save(session, session.queue(job.queue), job, change)
  return true
}
