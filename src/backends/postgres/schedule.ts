import type { AdvanceRequest } from '../../queue/backend.ts'
import { enqueue, type Prepare } from './enqueue.ts'
import type { Session } from './session.ts'
import { escaped } from './text.ts'

export async function readSchedule(
  session: Session,
  queue: string,
  name: string,
): Promise<{ now: number; tick: number | null }> {
  const [now, tick] = (await session.row(
    `SELECT ${session.s}.now_ms(), (SELECT tick FROM ${session.s}.schedule s JOIN ${session.s}.queue q USING (queue_id)
       WHERE q.name = $1 AND s.name = $2)`,
    [escaped(queue), escaped(name)],
  ))!
  return { now: Number(now), tick: tick === null || tick === undefined ? null : Number(tick) }
}

/** Moves a schedule on and enqueues what it brings. In a transaction. */
export async function advance(
  session: Session,
  { queue, name, from, to, jobs }: AdvanceRequest,
  prepare: Prepare,
): Promise<boolean> {
  await session.rows(
    `INSERT INTO ${session.s}.queue (name) SELECT $1::text WHERE NOT EXISTS (SELECT FROM ${session.s}.queue WHERE name = $1)
     ON CONFLICT DO NOTHING`,
    [escaped(queue)],
  )
  const values = [escaped(queue), escaped(name), String(to), ...(from === null ? [] : [String(from)])]
  const moved = await session.rows(
    from === null
      ? `INSERT INTO ${session.s}.schedule (queue_id, name, tick) SELECT queue_id, $2, $3::bigint FROM ${session.s}.queue
         WHERE name = $1 ON CONFLICT DO NOTHING RETURNING tick`
      : `UPDATE ${session.s}.schedule s SET tick = $3::bigint FROM ${session.s}.queue q
         WHERE q.name = $1 AND s.queue_id = q.queue_id AND s.name = $2 AND s.tick = $4::bigint RETURNING tick`,
    values,
  )
  if (moved.length === 0) return false
  await enqueue(session, { queue, jobs, maxLength: null }, prepare)
  return true
}
