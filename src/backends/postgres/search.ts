import type { JobFilter } from '../../queue/backend.ts'
import type { JobRecord, JobState } from '../../queue/job.ts'
import { textArray } from './arrays.ts'
import { joined, PAYLOAD_COLUMNS, RECORD_COLUMNS, recordOf } from './row.ts'
import { PLACE } from './schema.ts'
import { HOLDS } from './sql/holds.ts'
import type { Session } from './session.ts'
import { escaped } from './text.ts'

/**
 * Looks for the jobs that match, in ascending `seq`. Each place is read from its own index and in its order, so that a
 * page costs what it shows; only the delayed and the active jobs of a queue are looked through.
 * @param only the states that are of interest, whatever the filter says.
 */
export async function search(
  session: Session,
  filter: JobFilter,
  only: readonly JobState[],
  withPayload: boolean,
): Promise<JobRecord[]> {
  const states = new Set(only.filter((state) => filter.states?.includes(state) ?? true))
  // None is, so far.
  states.delete('blocked')
  if (states.size === 0 || filter.limit <= 0) return []
  const values: unknown[] = [escaped(filter.queue), String(filter.after ?? 0), String(filter.limit)]
  const where = `j.seq > $2::bigint ${conditions(filter, values)}`
  const ids = filter.ids === undefined ? undefined : values.push(textArray(filter.ids.map(escaped)))
  const source =
    ids === undefined
      ? sources(session, states, where)
      : `SELECT j.* FROM w JOIN ${session.s}.job j ON j.queue_id = w.queue_id AND j.id = ANY ($${ids})
         JOIN ${session.s}.line l ON l.line_id = j.line_id WHERE ${stateCondition(session, states)} AND ${where}`
  const columns = withPayload ? `${RECORD_COLUMNS}, ${PAYLOAD_COLUMNS}` : RECORD_COLUMNS
  const rows = await session.rows(
    `WITH w AS MATERIALIZED (SELECT queue_id FROM ${session.s}.queue WHERE name = $1)
     SELECT ${columns} FROM (SELECT * FROM (${source}) a ORDER BY a.seq LIMIT $3::int) j ${joined(session)} ORDER BY j.seq`,
    values,
  )
  return rows.map(recordOf)
}

const WAITING = [PLACE.FRESH, PLACE.BACK, PLACE.SUSPECT]

function sources({ s }: Session, states: ReadonlySet<JobState>, where: string): string {
  const parts: string[] = []
  if (states.has('waiting')) {
    for (const place of WAITING) {
      const free = place === PLACE.FRESH ? `AND j.seq NOT IN (SELECT seq FROM ${s}.claim)` : ''
      parts.push(`SELECT p.* FROM w JOIN ${s}.line l ON l.queue_id = w.queue_id CROSS JOIN LATERAL (
        SELECT j.* FROM ${s}.job j WHERE j.line_id = l.line_id AND j.place = ${place} ${free} AND ${where}
        ORDER BY j.seq LIMIT $3::int) p`)
    }
  }
  if (states.has('active')) {
    // Each claim looks for its job, whatever the planner thinks of it: it may know no statistics of the tables yet.
    parts.push(`SELECT j.* FROM w JOIN ${s}.claim c ON c.queue_id = w.queue_id CROSS JOIN LATERAL (
        SELECT j.* FROM ${s}.job j WHERE j.queue_id = w.queue_id AND j.id = c.id AND j.seq = c.seq AND ${HOLDS} OFFSET 0) j
      JOIN ${s}.line l ON l.line_id = j.line_id WHERE ${where}`)
  }
  if (states.has('delayed')) {
    parts.push(`SELECT j.* FROM w JOIN ${s}.job j ON j.queue_id = w.queue_id AND j.place = ${PLACE.DELAYED}
      JOIN ${s}.line l ON l.line_id = j.line_id WHERE ${where}`)
  }
  const finished = placesOf(states)
  if (finished.length > 0) {
    parts.push(`SELECT p.* FROM w CROSS JOIN LATERAL (SELECT j.* FROM ${s}.job j JOIN ${s}.line l ON l.line_id = j.line_id
      WHERE j.queue_id = w.queue_id AND j.place IN (4, 5, 6) AND j.place IN (${finished.join(', ')}) AND ${where}
      ORDER BY j.seq LIMIT $3::int) p`)
  }
  return parts.join(' UNION ALL ')
}

function placesOf(states: ReadonlySet<JobState>): number[] {
  const places = { done: PLACE.DONE, dead: PLACE.DEAD, cancelled: PLACE.CANCELLED } as const
  return Object.entries(places).flatMap(([state, place]) => (states.has(state as JobState) ? [place] : []))
}

function stateCondition({ s }: Session, states: ReadonlySet<JobState>): string {
  const claimed = `(j.place = ${PLACE.TAKEN} OR j.place = ${PLACE.FRESH} AND j.seq IN (SELECT seq FROM ${s}.claim))`
  const parts = ['false']
  if (states.has('active')) parts.push(claimed)
  if (states.has('waiting')) parts.push(`j.place IN (${WAITING.join(', ')}) AND NOT ${claimed}`)
  if (states.has('delayed')) parts.push(`j.place = ${PLACE.DELAYED}`)
  for (const place of placesOf(states)) parts.push(`j.place = ${place}`)
  return `(${parts.join(' OR ')})`
}

/** What only this filter asks for; their values are added. */
function conditions({ types, tags, error, finishedBefore }: JobFilter, values: unknown[]): string {
  let text = ''
  if (types !== undefined)
    text += ` AND l.type = ANY ($${values.push(textArray(types.map(escaped)))}::text[])`
  if (tags !== undefined && tags.length > 0) {
    text += ` AND j.more IS NOT NULL AND coalesce(j.more::jsonb -> 'tags', '[]') @> $${values.push(JSON.stringify(tags.map(escaped)))}::jsonb`
  }
  if (error !== undefined) {
    const n = values.push(escaped(error))
    text += ` AND j.note IS NOT NULL AND (j.note::jsonb -> 'error' ->> 'code' = $${n} OR j.note::jsonb -> 'error' ->> 'name' = $${n})`
  }
  if (finishedBefore !== undefined)
    text += ` AND j.finished_at < $${values.push(String(finishedBefore))}::bigint`
  return text
}
