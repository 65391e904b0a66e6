import type { SqliteValue } from './client.ts'
import type { Database, Row } from './database.ts'

/** SQLite merges the types of one statement; what is above these is merged here. */
const TYPES = 50

/** Which of the jobs that wait: those of these types, suspects or the others. */
export interface Line {
  readonly typeIds: readonly number[]
  readonly suspects: boolean
}

/** The numbers of the jobs at the head of a line: most urgent first, then by `seq`. */
export function headSeqs(db: Database, { typeIds, suspects }: Line, limit: number): number[] {
  let rows: Row[] = []
  for (let at = 0; at < typeIds.length; at += TYPES) {
    const ids = typeIds.slice(at, at + TYPES)
    rows.push(...db.statement(merged('seq, rank', ids.length, suspects)).all(...ids, limit, 0))
  }
  if (typeIds.length > TYPES) rows = rows.sort(byRank).slice(0, limit)
  return rows.map((row) => row[0] as number)
}

/**
 * The same jobs as rows of `columns`, without the first `skip` of them.
 * @param lazily read one by one, so that no more is read than is asked for. Nothing may be written meanwhile.
 */
export function headRows(
  db: Database,
  line: Line,
  columns: string,
  limit: number,
  skip: number,
  lazily: boolean,
): Iterable<Row> {
  const { typeIds, suspects } = line
  let sql = ''
  let values: SqliteValue[] = [...typeIds, limit, skip]
  if (typeIds.length === 0) return []
  if (typeIds.length === 1) {
    sql = merged(columns, 1, suspects)
  } else if (typeIds.length <= TYPES) {
    // CROSS JOIN: in the order of the list.
    sql = `SELECT ${columns} FROM (${merged('seq AS head, rank AS place', typeIds.length, suspects)}) CROSS JOIN job ON seq = head`
  } else {
    sql = `SELECT ${columns} FROM (SELECT value AS head FROM json_each(?)) CROSS JOIN job ON seq = head`
    values = [JSON.stringify(headSeqs(db, line, limit + skip).slice(skip))]
  }
  const statement = db.statement(sql)
  return lazily ? statement.each(...values) : statement.all(...values)
}

const statements = new Map<string, string>()

/** Each type is read from its own place in the index and no further than needed: what else waits costs nothing. */
function merged(columns: string, types: number, suspects: boolean): string {
  const key = `${types} ${String(suspects)} ${columns}`
  let sql = statements.get(key)
  if (sql === undefined) {
    const one = `SELECT ${columns} FROM job WHERE type_id = ? AND state = 0 AND crashes ${suspects ? '> 0' : '= 0'}`
    const [seq, rank] = columns.includes(' AS ') ? ['head', 'place'] : ['seq', 'rank']
    sql = `${Array<string>(types).fill(one).join(' UNION ALL ')} ORDER BY ${rank}, ${seq} LIMIT ? OFFSET ?`
    statements.set(key, sql)
  }
  return sql
}

function byRank(a: Row, b: Row): number {
  return (a[1] as number) - (b[1] as number) || (a[0] as number) - (b[0] as number)
}
