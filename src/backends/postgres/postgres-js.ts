import { arrayText } from './arrays.ts'
import type { PgClient, PgQuery } from './client.ts'

/** What we use of the `sql` that `sql.begin` of postgres.js gives to its callback. */
export interface PostgresJs {
  unsafe(
    text: string,
    values: (string | null)[],
    options: { readonly prepare: boolean },
  ): { raw(): Promise<readonly (readonly (Uint8Array | null)[])[]> }
}

export function isPostgresJs(value: unknown): value is PostgresJs {
  return typeof value === 'function' && typeof (value as { unsafe?: unknown }).unsafe === 'function'
}

/**
 * Lets a transaction of postgres.js answer as a client of `pg`. It sends each value as text, by the type that the server
 * says, and gives what comes back as it came.
 */
export function fromPostgresJs(sql: PostgresJs): PgClient {
  return {
    query: async ({ text, values = [] }: PgQuery) => {
      const rows = await sql.unsafe(text, values.map(textOf), { prepare: true }).raw()
      return {
        rows: rows.map((row) => row.map((column) => (column === null ? null : utf8.decode(column)))),
        rowCount: rows.length,
      }
    },
  }
}

const utf8 = new TextDecoder()

function textOf(value: unknown): string | null {
  if (value === null) return null
  return Buffer.isBuffer(value) ? arrayText(value) : (value as string)
}
