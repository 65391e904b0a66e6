import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { BackendError } from '../../core/errors.ts'
import { bootId } from './boot.ts'
import { retryWhileBusy, type Patience } from './busy.ts'
import { connect, type SqliteClient } from './client.ts'
import { Database } from './database.ts'
import { explained } from './failure.ts'
import { migrateStep, noteBoot, readVersion } from './migrate.ts'

/** Where the database is: a path, `:memory:`, or somebody's client. */
export type Location = string | SqliteClient

export function labelOf(location: Location): string {
  if (typeof location !== 'string') return 'the database of the given client'
  return location === ':memory:' ? 'the database in memory' : location
}

/** Whether it is a file that can be opened again by its path. */
export function isFile(location: Location): location is string {
  return typeof location === 'string' && location !== ':memory:'
}

/** Whether it ends with its connection. */
export function isInMemory(location: Location): boolean {
  if (typeof location === 'string') return location === ':memory:'
  // The file of the main database; a private one has none.
  return !new Database(location, labelOf(location)).statement('PRAGMA database_list').get()?.[2]
}

/** Opens the database, refuses what is not ours before anything is written, and brings its schema up to date. */
export async function openDatabase(location: Location, patience: Patience): Promise<Database> {
  const label = labelOf(location)
  if (isFile(location)) checkPlace(location)
  let db: Database | undefined
  try {
    const opened = new Database(typeof location === 'string' ? connect(location) : location, label)
    db = opened
    opened.exec('PRAGMA busy_timeout = 0')
    await retryWhileBusy(() => readVersion(opened), patience)
    await retryWhileBusy(() => useWal(opened), patience)
    for (const setting of SETTINGS) opened.exec(`PRAGMA ${setting}`)
    while (await retryWhileBusy(() => migrateStep(opened), patience));
    await retryWhileBusy(() => noteBoot(opened, bootId()), patience)
    return opened
  } catch (error) {
    // A caller's client stays open: they may want to look.
    if (typeof location === 'string') db?.close()
    throw explained(error, label)
  }
}

const SETTINGS = [
  // 8 MiB: more than the pages in use at the ends of the indexes, less than would be slow to look through.
  'cache_size = -8192',
  'temp_store = MEMORY',
  // 8 MB of log: a page that is written often is copied once, and a longer log is slow to read.
  'wal_autocheckpoint = 2000',
  // A log that grew under a long reader is cut back afterwards.
  'journal_size_limit = 67108864',
]

/** Readers never wait for the writer, nor it for them. The mode stays with the file. */
function useWal(db: Database): void {
  const mode = db.pragma('journal_mode = WAL')
  if (mode === 'wal' || mode === 'memory') return
  throw new BackendError(
    'BACKEND_UNAVAILABLE',
    `expected ${db.label} to support write-ahead logging, got journal mode: ${String(mode)}; keep it on a local disk`,
    { retryable: false },
  )
}

/** SQLite says only "unable to open database file" of all of these. */
function checkPlace(path: string): void {
  const folder = dirname(path)
  const refuse = (text: string): never => {
    throw new BackendError('BACKEND_UNAVAILABLE', text, { retryable: false })
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    refuse(`cannot open ${path}: there is no folder ${folder}; create it first`)
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    refuse(`cannot open ${path}: it is a folder; name a file in it`)
  }
}
