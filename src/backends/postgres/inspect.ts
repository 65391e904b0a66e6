import type { QueueStats } from '../../queue/backend.ts'
import { JOB_STATES, type JobRecord, type JobState } from '../../queue/job.ts'
import { joined, PAYLOAD_COLUMNS, RECORD_COLUMNS, recordOf } from './row.ts'
import { HOLDS } from './sql/holds.ts'
import type { Row, Session } from './session.ts'
import { escaped, unescaped } from './text.ts'

export async function get(session: Session, queue: string, id: string): Promise<JobRecord | undefined> {
  const row = await session.row(
    `SELECT ${RECORD_COLUMNS}, ${PAYLOAD_COLUMNS} FROM ${session.s}.queue w
     JOIN ${session.s}.job j ON j.queue_id = w.queue_id AND j.id = $2 ${joined(session)} WHERE w.name = $1`,
    [escaped(queue), escaped(id)],
  )
  return row === undefined ? undefined : recordOf(row)
}

/** The counts of the queues, exactly as this moment has them, and the age of the job that waits longest. */
export async function stats(session: Session, queue?: string): Promise<QueueStats[]> {
  const { s } = session
  const rows = await session.rows(
    `SELECT q.name, q.paused, q.open + coalesce(t.open, 0), q.delayed + coalesce(t.delayed, 0), q.done + coalesce(t.done, 0),
       q.dead + coalesce(t.dead, 0), q.cancelled + coalesce(t.cancelled, 0), a.active, ${s}.now_ms() - o.created_at
     FROM ${s}.queue q
     CROSS JOIN LATERAL (SELECT sum(open) AS open, sum(delayed) AS delayed, sum(done) AS done, sum(dead) AS dead,
       sum(cancelled) AS cancelled FROM ${s}.tally t WHERE t.queue_id = q.queue_id) t
     -- Each claim looks for its job, whatever the planner thinks of it: it may know no statistics of the tables yet.
     CROSS JOIN LATERAL (SELECT count(*) AS active FROM ${s}.claim c
       CROSS JOIN LATERAL (SELECT FROM ${s}.job j
         WHERE j.queue_id = c.queue_id AND j.id = c.id AND j.seq = c.seq AND ${HOLDS} OFFSET 0) j
       WHERE c.queue_id = q.queue_id) a
     LEFT JOIN LATERAL (SELECT w.created_at FROM ${s}.line l CROSS JOIN LATERAL (
       (SELECT j.seq, j.created_at FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 0 AND j.seq > l.head
         AND j.seq NOT IN (SELECT seq FROM ${s}.claim) ORDER BY j.seq LIMIT 1)
       UNION ALL (SELECT j.seq, j.created_at FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 1 ORDER BY j.seq LIMIT 1)
       UNION ALL (SELECT j.seq, j.created_at FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = 2 ORDER BY j.seq LIMIT 1)) w
       WHERE l.queue_id = q.queue_id ORDER BY w.seq LIMIT 1) o ON true
     ${queue === undefined ? '' : 'WHERE q.name = $1'} ORDER BY q.queue_id`,
    queue === undefined ? [] : [escaped(queue)],
  )
  if (queue !== undefined && rows.length === 0) {
    return [{ queue, counts: countsOf({}), paused: false, oldestWaitingMs: 0 }]
  }
  return rows.map(statsOf)
}

function statsOf(row: Row): QueueStats {
  const [open, delayed, done, dead, cancelled, active] = row.slice(2, 8).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    queue: unescaped(row[0]!),
    counts: countsOf({ waiting: open - active, delayed, active, done, dead, cancelled }),
    paused: row[1] === 't',
    oldestWaitingMs: row[8] === null ? 0 : Math.max(0, Number(row[8])),
  }
}

function countsOf(counts: Partial<Record<JobState, number>>): Record<JobState, number> {
  return Object.fromEntries(JOB_STATES.map((state) => [state, counts[state] ?? 0])) as Record<
    JobState,
    number
  >
}
