import type { JobFilter } from '../../queue/backend.ts'
import type { JobState } from '../../queue/job.ts'
import type { SqliteValue } from './client.ts'
import type { Row } from './database.ts'
import { STATE } from './schema.ts'
import type { Session } from './session.ts'

/** A search looks at so many numbers at a time, so that no statement is long however few jobs match. */
const WINDOW = 10_000

/** Where a search stands. */
export interface Window {
  /** The rows of this window, in ascending `seq`. */
  readonly rows: readonly Row[]
  /** Look on after this `seq`; null: there is nothing more. */
  readonly next: number | null
}

/**
 * Looks for the jobs that match, in ascending `seq`, through one window.
 * @param columns what to select; the first must be `seq`.
 * @param only the states that are of interest, whatever the filter says.
 */
export function searchWindow(
  session: Session,
  filter: JobFilter,
  columns: string,
  only: readonly JobState[],
  after: number,
  limit: number,
): Window {
  const queue = session.findQueue(filter.queue)
  const states = only.filter((state) => filter.states?.includes(state) ?? true).map((state) => STATE[state])
  if (queue === undefined || states.length === 0 || limit <= 0) return { rows: [], next: null }
  const { db } = session
  const list = states.join(', ')
  const { conditions, values } = conditionsOf(session, queue.id, filter)
  if (filter.ids !== undefined) {
    const sql = `SELECT ${columns} FROM job INDEXED BY job_id WHERE queue_id = ? AND id IN (SELECT value FROM json_each(?))
      AND state IN (${list}) AND seq > ? ${conditions} ORDER BY seq LIMIT ?`
    const rows = db.statement(sql).all(queue.id, JSON.stringify(filter.ids), after, ...values, limit)
    return { rows, next: lastSeq(rows, limit) }
  }
  // Finished jobs have an index of their own; to look for others is to walk the table.
  const finished = states.every((state) => state > STATE.active)
  const source = finished
    ? 'job INDEXED BY job_finished WHERE queue_id = ? AND state > 3'
    : 'job NOT INDEXED WHERE queue_id = ?'
  const first = firstAfter(session, finished ? states.map((state) => [queue.id, state]) : undefined, after)
  if (first === undefined) return { rows: [], next: null }
  const end = first + WINDOW
  const rows = db
    .statement(
      `SELECT ${columns} FROM ${source} AND state IN (${list}) AND seq >= ? AND seq < ? ${conditions} ORDER BY seq LIMIT ?`,
    )
    .all(queue.id, first, end, ...values, limit)
  return { rows, next: lastSeq(rows, limit) ?? end - 1 }
}

function lastSeq(rows: readonly Row[], limit: number): number | null {
  return rows.length < limit ? null : (rows.at(-1)![0] as number)
}

/** The first number above `after` that is in use: gaps may be wider than windows. */
function firstAfter(
  { db }: Session,
  indexed: readonly (readonly [queue: number, state: number])[] | undefined,
  after: number,
): number | undefined {
  if (indexed === undefined) {
    return db.statement('SELECT seq FROM job WHERE seq > ? ORDER BY seq LIMIT 1').get(after)?.[0] as
      | number
      | undefined
  }
  const firsts = indexed.flatMap(([queue, state]) => {
    const row = db
      .statement(
        'SELECT seq FROM job WHERE queue_id = ? AND state = ? AND state > 3 AND seq > ? ORDER BY seq LIMIT 1',
      )
      .get(queue, state, after)
    return row === undefined ? [] : [row[0] as number]
  })
  return firsts.length === 0 ? undefined : Math.min(...firsts)
}

/** What only this filter asks for. Lists travel as one JSON text, so that the statement stays the same. */
function conditionsOf(
  session: Session,
  queueId: number,
  { types, tags, error, finishedBefore }: JobFilter,
): { conditions: string; values: SqliteValue[] } {
  let conditions = ''
  const values: SqliteValue[] = []
  if (types !== undefined) {
    conditions += ' AND type_id IN (SELECT value FROM json_each(?))'
    const ids = types.map((type) => session.names.findTypeId(session.db, queueId, type) ?? -1)
    values.push(JSON.stringify(ids))
  }
  if (tags !== undefined && tags.length > 0) {
    conditions += ` AND tags IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM json_each(?) AS asked WHERE asked.value NOT IN (SELECT value FROM json_each(job.tags)))`
    values.push(JSON.stringify(tags))
  }
  if (error !== undefined) {
    conditions += " AND error IS NOT NULL AND (error ->> '$.code' = ? OR error ->> '$.name' = ?)"
    values.push(error, error)
  }
  if (finishedBefore !== undefined) {
    conditions += ' AND finished_at < ?'
    values.push(finishedBefore)
  }
  return { conditions, values }
}
