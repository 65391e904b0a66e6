import type { Session } from './session.ts'

/** The queues in which there is something to do. */
export function lookAt({ db, lease, wall }: Session, neglectMs: number): string[] {
  const rows = db.statement(BUSY).all(lease - neglectMs, wall, wall, wall)
  return rows.map((row) => row[0] as string)
}

const BUSY = `
  SELECT name FROM queue q WHERE waiting > 0
    OR active > 0 AND (maintained IS NULL OR maintained < ?)
    OR delayed > 0 AND EXISTS (SELECT 1 FROM job j WHERE j.queue_id = q.queue_id AND state = 1 AND run_at <= ?)
    OR delayed > 0 AND EXISTS (SELECT 1 FROM job j
      WHERE j.queue_id = q.queue_id AND state < 2 AND expires_at IS NOT NULL AND expires_at <= ?)
    OR done + dead + cancelled > 0 AND EXISTS (SELECT 1 FROM job j
      WHERE j.queue_id = q.queue_id AND keep_until IS NOT NULL AND keep_until <= ?)`
