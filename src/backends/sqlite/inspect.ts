import type { QueueStats } from '../../queue/backend.ts'
import { JOB_STATES, type JobRecord, type JobState } from '../../queue/job.ts'
import { RECORD_COLUMNS, recordOf } from './row.ts'
import { STATE } from './schema.ts'
import type { QueueRow, Session } from './session.ts'

export const FULL_COLUMNS: string = `${RECORD_COLUMNS}, payload`

export function get(session: Session, name: string, id: string): JobRecord | undefined {
  const queue = session.findQueue(name)
  if (queue === undefined) return undefined
  const row = session.db
    .statement(`SELECT ${FULL_COLUMNS} FROM job WHERE queue_id = ? AND id = ?`)
    .get(queue.id, id)
  return row === undefined ? undefined : recordOf(session, row)
}

export function stats(session: Session, name?: string): QueueStats[] {
  if (name === undefined) return session.queues().map((queue) => statsOf(session, queue))
  const queue = session.findQueue(name)
  return [queue === undefined ? unused(name) : statsOf(session, queue)]
}

function statsOf(session: Session, queue: QueueRow): QueueStats {
  const counts = countsOf((state) => queue.counts[STATE[state]]!)
  const oldest = counts.waiting === 0 ? undefined : session.db.statement(OLDEST).get(queue.id, queue.id)?.[0]
  return {
    queue: queue.name,
    counts,
    paused: queue.paused,
    oldestWaitingMs: typeof oldest === 'number' ? Math.max(0, session.wall - oldest) : 0,
  }
}

function unused(queue: string): QueueStats {
  return { queue, counts: countsOf(() => 0), paused: false, oldestWaitingMs: 0 }
}

function countsOf(count: (state: JobState) => number): Record<JobState, number> {
  return Object.fromEntries(JOB_STATES.map((state) => [state, count(state)])) as Record<JobState, number>
}

/**
 * When the first of the waiting jobs was enqueued, from the heads alone: the index is stepped from one priority
 * of a type to the next, so a backlog costs nothing.
 */
const OLDEST = `
  WITH RECURSIVE head (type_id, rank) AS (
    SELECT type_id, (SELECT min(rank) FROM job WHERE job.type_id = type.type_id AND state = 0 AND crashes = 0)
      FROM type WHERE queue_id = ?
    UNION ALL
    SELECT type_id, (SELECT min(rank) FROM job
        WHERE job.type_id = head.type_id AND state = 0 AND crashes = 0 AND job.rank > head.rank)
      FROM head WHERE rank IS NOT NULL
  ),
  first (seq) AS (
    SELECT (SELECT min(seq) FROM job WHERE job.type_id = head.type_id AND state = 0 AND crashes = 0 AND job.rank = head.rank)
      FROM head WHERE rank IS NOT NULL
    UNION ALL
    SELECT seq FROM job WHERE state = 0 AND crashes > 0 AND queue_id = ?
  )
  SELECT created_at FROM job WHERE seq = (SELECT min(seq) FROM first)`
