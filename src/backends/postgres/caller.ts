import { InvalidOptionError, show } from '../../core/errors.ts'
import type { PgClient } from './client.ts'
import { fromPostgresJs, isPostgresJs } from './postgres-js.ts'
import { quoted } from './schema.ts'
import { Session } from './session.ts'

/** What tells one database from another: of which start of a server, and our table in it. */
const IDENTITY = (schema: string): string =>
  `SELECT pg_postmaster_start_time(), (SELECT oid FROM pg_database WHERE datname = current_database()),
     '${quoted(schema).replaceAll("'", "''")}.job'::regclass::oid`

/** The callers' own clients of our database, in whose transactions we take part. */
export class CallerClients {
  readonly #schema: string
  readonly #label: string
  readonly #known = new WeakSet<object>()

  constructor(schema: string, label: string) {
    this.#schema = schema
    this.#label = label
  }

  /** @throws InvalidOptionError for what is no client of our database, or has no transaction open. */
  async check(transaction: unknown, own: () => Promise<Session>): Promise<PgClient> {
    const given = isPostgresJs(transaction) ? fromPostgresJs(transaction) : transaction
    if (!isClient(given)) {
      throw new InvalidOptionError(
        'transaction',
        `expected transaction to be a client of pg, or the sql of sql.begin of postgres.js, in a transaction, got: ${show(transaction)}`,
      )
    }
    if (!(await isInTransaction(given))) {
      throw new InvalidOptionError(
        'transaction',
        'expected transaction to be a client in an open transaction, got one that is in none: BEGIN comes first, and COMMIT when the promise has resolved',
      )
    }
    if (this.#known.has(transaction as object)) return given
    const text = IDENTITY(this.#schema)
    const [ours, theirs] = await Promise.all([
      own().then((session) => session.row(text)),
      given
        .query({ text, rowMode: 'array', types: RAW })
        .then((result) => (result as { rows: unknown[][] }).rows[0]),
    ])
    if (String(ours) !== String(theirs)) {
      throw new InvalidOptionError(
        'transaction',
        `expected transaction to be a client of ${this.#label}, got one of another database`,
      )
    }
    this.#known.add(transaction as object)
    return given
  }
}

const RAW = { getTypeParser: () => (value: unknown) => value }

/** A pool would run each statement somewhere else; a client has no pool's counters. */
function isClient(value: unknown): value is PgClient {
  if (typeof value !== 'object' || value === null) return false
  return typeof (value as { query?: unknown }).query === 'function' && !('totalCount' in value)
}

async function isInTransaction(client: PgClient): Promise<boolean> {
  const { getTransactionStatus } = client as { getTransactionStatus?: () => string | null }
  if (typeof getTransactionStatus === 'function') {
    const status = getTransactionStatus.call(client)
    if (status === 'T' || status === 'E') return true
    if (status === 'I') return false
  }
  try {
    await client.query({ text: 'SAVEPOINT millhand' })
    await client.query({ text: 'RELEASE SAVEPOINT millhand' })
    return true
  } catch (error) {
    // no_active_sql_transaction
    if ((error as { code?: unknown }).code === '25P01') return false
    throw error
  }
}
