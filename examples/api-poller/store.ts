import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Item } from './fetch-page.ts'

/** Where the poller is in the list of one API. */
export interface Place {
  /** Undefined at the beginning of the list. */
  readonly cursor: string | undefined
  /** Of the page at that cursor, when it was the last one. */
  readonly etag: string | undefined
}

/** The items, and how far the list was read: in one file, so that both change together or not at all. */
export class Store {
  readonly #db: DatabaseSync

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#db = new DatabaseSync(path)
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS items (source TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (source, id)) STRICT;
      CREATE TABLE IF NOT EXISTS places (source TEXT PRIMARY KEY, cursor TEXT, etag TEXT) STRICT;`)
  }

  place(source: string): Place {
    const row = this.#db.prepare('SELECT cursor, etag FROM places WHERE source = ?').get(source)
    return { cursor: textOf(row?.['cursor']), etag: textOf(row?.['etag']) }
  }

  /** Keeps a page and moves on. @returns the items that were not known yet. */
  save(source: string, items: readonly Item[], { cursor, etag }: Place): Item[] {
    const insert = this.#db.prepare('INSERT OR IGNORE INTO items (source, id, body) VALUES (?, ?, ?)')
    const move = this.#db.prepare('INSERT OR REPLACE INTO places (source, cursor, etag) VALUES (?, ?, ?)')
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const fresh = items.filter(
        (item) => insert.run(source, String(item.id), JSON.stringify(item)).changes > 0,
      )
      move.run(source, cursor ?? null, etag ?? null)
      this.#db.exec('COMMIT')
      return fresh
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#db.close()
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
