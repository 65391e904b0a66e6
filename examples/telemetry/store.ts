import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Kind, Reading } from './readings.ts'

/** The readings of one minute of one device. */
export interface Minute {
  readonly kind: Kind
  /** Its beginning, ms since 1970. */
  readonly minute: number
  readonly count: number
  readonly mean: number
  readonly least: number
  readonly most: number
}

export interface Totals {
  readonly devices: number
  readonly readings: number
  /** Numbers that are missing between the first and the last of a boot. */
  readonly gaps: number
  readonly minutes: number
}

const MINUTE_MS = 60_000

/**
 * Readings and their minutes in one file, changed in one transaction: a reading that comes twice, from a device that
 * repeats itself or from a broker that was not told in time, counts once.
 */
export class Store {
  readonly #db: DatabaseSync

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#db = new DatabaseSync(path)
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS readings (
        device TEXT, kind TEXT, boot INTEGER, seq INTEGER, at INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (device, kind, boot, seq)) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS minutes (
        device TEXT, kind TEXT, minute INTEGER, count INTEGER NOT NULL, sum REAL NOT NULL, least REAL NOT NULL,
        most REAL NOT NULL, PRIMARY KEY (device, kind, minute)) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS states (device TEXT PRIMARY KEY, state TEXT NOT NULL, at INTEGER NOT NULL) STRICT;`)
  }

  /** @returns false when it was known already. */
  add({ device, kind, value, at, boot, seq }: Reading): boolean {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const { changes } = this.#db
        .prepare(
          'INSERT OR IGNORE INTO readings (device, kind, boot, seq, at, value) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(device, kind, boot, seq, at, value)
      if (changes > 0) {
        this.#db
          .prepare(
            `INSERT INTO minutes (device, kind, minute, count, sum, least, most) VALUES (?, ?, ?, 1, ?, ?, ?)
             ON CONFLICT DO UPDATE SET count = count + 1, sum = sum + excluded.sum,
               least = min(least, excluded.least), most = max(most, excluded.most)`,
          )
          .run(device, kind, Math.floor(at / MINUTE_MS) * MINUTE_MS, value, value, value)
      }
      this.#db.exec('COMMIT')
      return changes > 0
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /** The newest counts, in whatever order they arrive. */
  setState(device: string, state: string, at: number): void {
    this.#db
      .prepare(
        `INSERT INTO states (device, state, at) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET state = excluded.state, at = excluded.at WHERE excluded.at >= at`,
      )
      .run(device, state, at)
  }

  /** The last reading of each kind, and the state. */
  latest(device: string): { state: string | null; readings: Record<string, number> } {
    const state = this.#db.prepare('SELECT state FROM states WHERE device = ?').get(device)?.['state']
    const rows = this.#db
      .prepare('SELECT kind, value, max(at) FROM readings WHERE device = ? GROUP BY kind')
      .all(device)
    return {
      state: typeof state === 'string' ? state : null,
      readings: Object.fromEntries(rows.map(({ kind, value }) => [kind, value])) as Record<string, number>,
    }
  }

  /** The last minutes of a device, newest first. */
  minutes(device: string, limit: number): Minute[] {
    return this.#db
      .prepare(
        `SELECT kind, minute, count, sum / count AS mean, least, most FROM minutes
         WHERE device = ? ORDER BY minute DESC, kind LIMIT ?`,
      )
      .all(device, limit) as unknown as Minute[]
  }

  totals(): Totals {
    const { devices, readings, minutes, gaps } = this.#db
      .prepare(
        `SELECT (SELECT count(DISTINCT device) FROM readings) AS devices, (SELECT count(*) FROM readings) AS readings,
           (SELECT count(*) FROM minutes) AS minutes,
           (SELECT coalesce(sum(gap), 0) FROM (SELECT max(seq) - min(seq) + 1 - count(*) AS gap
              FROM readings GROUP BY device, kind, boot)) AS gaps`,
      )
      .get() as unknown as Totals
    return { devices, readings, gaps, minutes }
  }

  close(): void {
    this.#db.close()
  }
}
