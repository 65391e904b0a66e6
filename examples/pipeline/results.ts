import { DatabaseSync } from 'node:sqlite'
import type { Statistics } from './queues.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS text (
    path TEXT PRIMARY KEY,
    modified_ms REAL NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    words INTEGER NOT NULL,
    distinct_words INTEGER NOT NULL,
    gzip_bytes INTEGER NOT NULL,
    fetched_by TEXT NOT NULL,
    transformed_by TEXT NOT NULL
  ) STRICT
`

// The same item may come twice, and an older one after a newer one: neither changes anything.
const SAVE = `
  INSERT INTO text VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (path) DO UPDATE SET
    modified_ms = excluded.modified_ms, sha256 = excluded.sha256, bytes = excluded.bytes, words = excluded.words,
    distinct_words = excluded.distinct_words, gzip_bytes = excluded.gzip_bytes,
    fetched_by = excluded.fetched_by, transformed_by = excluded.transformed_by
  WHERE excluded.modified_ms > text.modified_ms
`

const TOTALS = `
  SELECT count(*) AS texts, coalesce(sum(words), 0) AS words, coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(gzip_bytes), 0) AS gzipBytes, count(DISTINCT transformed_by) AS processes
  FROM text
`

/** Of all results together. */
export interface Totals {
  readonly texts: number
  readonly words: number
  readonly bytes: number
  readonly gzipBytes: number
  /** How many processes had a part in it. */
  readonly processes: number
}

/** The results have a file of their own: the other one belongs to Millhand, which may change its schema. */
export function resultsFile(db: string): string {
  return db.endsWith('.db') ? `${db.slice(0, -3)}-results.db` : `${db}-results`
}

export function openResults(file: string) {
  const database = new DatabaseSync(file, { timeout: 1000 })
  database.exec('PRAGMA journal_mode = WAL')
  // A result must be as durable as the end of the job that brought it.
  database.exec('PRAGMA synchronous = FULL')
  database.exec(SCHEMA)
  const save = database.prepare(SAVE)
  return {
    save({ path, modifiedMs, sha256, bytes, words, distinctWords, gzipBytes, ...by }: Statistics): void {
      const numbers = [bytes, words, distinctWords, gzipBytes]
      save.run(path, modifiedMs, sha256, ...numbers, by.fetchedBy, by.transformedBy)
    },
    totals(): Totals {
      return { ...database.prepare(TOTALS).get() } as unknown as Totals
    },
    close(): void {
      database.close()
    },
  }
}
