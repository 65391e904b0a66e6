import { realpathSync } from 'node:fs'
import { BackendError, InvalidOptionError, show } from '../../core/errors.ts'
import type { SqliteClient } from './client.ts'
import { Database } from './database.ts'
import { explained, isBusy } from './failure.ts'

/** The callers' own connections to our file, in whose transactions we take part. */
export class CallerConnections {
  readonly #own: () => Database
  readonly #label: string
  readonly #known = new WeakMap<SqliteClient, Database>()

  /** @param own our connection to the file. */
  constructor(own: () => Database, label: string) {
    this.#own = own
    this.#label = label
  }

  /**
   * Runs `work` as a part of the caller's open transaction. When it throws, nothing of it is there.
   * @throws InvalidOptionError for what is no client of our file, or has no transaction open.
   */
  within<T>(transaction: unknown, work: (db: Database) => T): T {
    const db = this.#database(transaction)
    if (isOpen(transaction as SqliteClient) === false) {
      throw new InvalidOptionError(
        'transaction',
        'expected transaction to be a client in an open transaction, got one that is in none: BEGIN IMMEDIATE comes first, and COMMIT when the promise has resolved',
      )
    }
    try {
      db.exec('SAVEPOINT millhand')
      try {
        const result = work(db)
        db.exec('RELEASE millhand')
        return result
      } catch (error) {
        takeBack(db)
        throw error
      }
    } catch (error) {
      if (!isBusy(error)) throw explained(error, this.#label)
      throw new BackendError(
        'BACKEND_UNAVAILABLE',
        `the transaction cannot write to ${this.#label}, since another one does or has; roll it back, and begin it with BEGIN IMMEDIATE`,
        { cause: error },
      )
    }
  }

  #database(transaction: unknown): Database {
    if (!isClient(transaction)) {
      throw new InvalidOptionError(
        'transaction',
        `expected transaction to be a SQLite client, such as a DatabaseSync of node:sqlite, in a transaction, got: ${show(transaction)}`,
      )
    }
    const known = this.#known.get(transaction)
    if (known !== undefined) return known
    const db = new Database(transaction, this.#label)
    const own = this.#own()
    if (own.isOf(transaction)) {
      throw new InvalidOptionError(
        'transaction',
        'expected transaction to be a client of your own, got the one that the store was given for itself: it begins transactions of its own on that',
      )
    }
    if (fileOf(db) === undefined || fileOf(db) !== fileOf(own)) {
      throw new InvalidOptionError(
        'transaction',
        `expected transaction to be a client of ${this.#label}, got one of another database`,
      )
    }
    this.#known.set(transaction, db)
    return db
  }
}

/** Some failures have rolled back the whole transaction already. */
function takeBack(db: Database): void {
  try {
    db.exec('ROLLBACK TO millhand')
    db.exec('RELEASE millhand')
  } catch {
    // Nothing to take back.
  }
}

function isClient(value: unknown): value is SqliteClient {
  if (typeof value !== 'object' || value === null) return false
  const { exec, prepare } = value as Partial<Record<keyof SqliteClient, unknown>>
  return typeof exec === 'function' && typeof prepare === 'function'
}

/** The drivers tell by names of their own; undefined when one does not. */
function isOpen(client: SqliteClient): boolean | undefined {
  const { isTransaction, inTransaction } = client as { isTransaction?: unknown; inTransaction?: unknown }
  const told = isTransaction ?? inTransaction
  return typeof told === 'boolean' ? told : undefined
}

/** Where the main database of a connection is; undefined when it is in memory, or gone. */
function fileOf(db: Database): string | undefined {
  const path = db.statement('PRAGMA database_list').get()?.[2]
  if (typeof path !== 'string' || path === '') return undefined
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
