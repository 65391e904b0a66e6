import type { Database, Row } from './database.ts'

/** SQLite merges the types of one statement; more than these are merged here. */
const TYPES = 50

const statements = new Map<string, string>()

/**
 * The numbers of the jobs that wait at the head of these types: most urgent first, then by `seq`. Each type is
 * read from its own place in the index and no further than needed, so what else waits costs nothing.
 */
export function headSeqs(
  db: Database,
  typeIds: readonly number[],
  suspects: boolean,
  limit: number,
): number[] {
  let rows: Row[] = []
  for (let at = 0; at < typeIds.length; at += TYPES) {
    const ids = typeIds.slice(at, at + TYPES)
    rows.push(...db.statement(merged(ids.length, suspects)).all(...ids, limit))
  }
  if (typeIds.length > TYPES) rows = rows.sort(byRank).slice(0, limit)
  return rows.map((row) => row[0] as number)
}

function byRank(a: Row, b: Row): number {
  return (a[1] as number) - (b[1] as number) || (a[0] as number) - (b[0] as number)
}

function merged(types: number, suspects: boolean): string {
  const key = `${types} ${String(suspects)}`
  let sql = statements.get(key)
  if (sql === undefined) {
    const one = `SELECT seq, rank FROM job WHERE type_id = ? AND state = 0 AND crashes ${suspects ? '> 0' : '= 0'}`
    sql = `${Array<string>(types).fill(one).join(' UNION ALL ')} ORDER BY rank, seq LIMIT ?`
    statements.set(key, sql)
  }
  return sql
}
