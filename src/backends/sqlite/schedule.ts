import type { AdvanceRequest } from '../../queue/backend.ts'
import { enqueue } from './enqueue.ts'
import type { Session } from './session.ts'

export function readTick(session: Session, queue: string, name: string): number | null {
  const row = session.db
    .statement(
      'SELECT tick FROM schedule JOIN queue USING (queue_id) WHERE queue.name = ? AND schedule.name = ?',
    )
    .get(queue, name)
  return (row?.[0] as number | undefined) ?? null
}

/** Moves a schedule on and enqueues what it brings. In a transaction. */
export function advance(session: Session, { queue, name, from, to, jobs }: AdvanceRequest): boolean {
  if (readTick(session, queue, name) !== from) return false
  const { id } = session.queue(queue)
  session.db.statement('INSERT OR REPLACE INTO schedule VALUES (?, ?, ?)').run(id, name, to)
  enqueue(session, queue, jobs, null)
  return true
}
