import { BackendError } from '../../core/errors.ts'

/** What a column can hold here. */
export type SqliteValue = string | number | null | Uint8Array

/**
 * What is asked of a SQLite driver, so little that a `DatabaseSync` of node:sqlite and a `Database` of
 * better-sqlite3 both have it.
 */
export interface SqliteClient {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint }
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
  iterate(...values: SqliteValue[]): Iterable<unknown>
}

/** Opens a file with the driver that comes with Node. */
export function connect(path: string): SqliteClient {
  const { DatabaseSync } = driver()
  return new DatabaseSync(path)
}

function driver(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning.bind(process)
  // Node 22 calls the module experimental when it is first loaded. What is used of it here is stable.
  process.emitWarning = quiet
  try {
    const found = process.getBuiltinModule('node:sqlite')
    if (found !== undefined) return found
  } finally {
    process.emitWarning = emitWarning
  }
  throw new BackendError(
    'DRIVER_MISSING',
    `this Node (${process.version}) has no node:sqlite; use Node 22.18 or newer, or pass a better-sqlite3 Database to sqlite()`,
  )
}

function quiet(): void {}
