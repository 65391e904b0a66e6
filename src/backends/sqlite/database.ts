import type { SqliteClient, SqliteStatement, SqliteValue } from './client.ts'

/** The columns of a row, in the order in which they were selected. */
export type Row = readonly SqliteValue[]

/** A client with its statements, each prepared once, whose rows are arrays whatever the driver. */
export class Database {
  /** For messages: the file, or `the given client`. */
  readonly label: string
  readonly #client: SqliteClient
  readonly #statements = new Map<string, Statement>()

  constructor(client: SqliteClient, label: string) {
    this.#client = client
    this.label = label
  }

  exec(sql: string): void {
    this.#client.exec(sql)
  }

  /** @param sql a constant text: statements are never let go. */
  statement(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      this.#statements.set(sql, (statement = new Statement(this.#client.prepare(sql))))
    }
    return statement
  }

  /** The single value that a pragma answers with. Prepared anew, for a pragma may act while it is prepared. */
  pragma(text: string): SqliteValue {
    const row = new Statement(this.#client.prepare(`PRAGMA ${text}`)).get()
    return row?.[0] ?? null
  }

  /** Whether this is its client. */
  isOf(client: SqliteClient): boolean {
    return this.#client === client
  }

  close(): void {
    this.#statements.clear()
    this.#client.close()
  }
}

export class Statement {
  readonly #statement: SqliteStatement
  /** False: the driver gives objects, which are turned into arrays here. */
  readonly #arrays: boolean

  constructor(statement: SqliteStatement) {
    this.#statement = statement
    asksForNumbers(statement)
    this.#arrays = asksForArrays(statement)
  }

  /** @returns how many rows it changed. */
  run(...values: SqliteValue[]): number {
    return Number(this.#statement.run(...values).changes)
  }

  get(...values: SqliteValue[]): Row | undefined {
    const row = this.#statement.get(...values)
    return row === undefined ? undefined : this.#row(row)
  }

  all(...values: SqliteValue[]): Row[] {
    const rows = this.#statement.all(...values)
    return this.#arrays ? (rows as Row[]) : rows.map((row) => this.#row(row))
  }

  /** Reads row by row, no further than is asked for. Nothing may be written meanwhile. */
  *each(...values: SqliteValue[]): Generator<Row, void> {
    for (const row of this.#statement.iterate(...values)) yield this.#row(row)
  }

  #row(row: unknown): Row {
    return this.#arrays ? (row as Row) : Object.values(row as Record<string, SqliteValue>)
  }
}

/** A caller's client may be set to give integers as bigints. */
function asksForNumbers(statement: SqliteStatement): void {
  const { setReadBigInts, safeIntegers } = statement as {
    setReadBigInts?: (on: boolean) => void
    safeIntegers?: (on: boolean) => void
  }
  if (setReadBigInts !== undefined) setReadBigInts.call(statement, false)
  else if (safeIntegers !== undefined) safeIntegers.call(statement, false)
}

/** Arrays are three times as fast to read as objects; each driver has its own word for them. */
function asksForArrays(statement: SqliteStatement): boolean {
  const { setReturnArrays, raw, reader } = statement as {
    setReturnArrays?: (on: boolean) => void
    raw?: (on: boolean) => void
    reader?: boolean
  }
  if (setReturnArrays !== undefined) setReturnArrays.call(statement, true)
  else if (raw !== undefined && reader === true) raw.call(statement, true)
  else return false
  return true
}
