import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UserError } from '../user-error.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS repository (
    id INTEGER PRIMARY KEY,
    full_name TEXT NOT NULL
  ) STRICT;

  CREATE TABLE IF NOT EXISTS known_pull (
    id INTEGER PRIMARY KEY,
    repository_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    head_sha TEXT NOT NULL,
    details TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS known_pull_number ON known_pull (repository_id, number);

  CREATE TABLE IF NOT EXISTS known_check (
    id INTEGER PRIMARY KEY,
    repository_id INTEGER NOT NULL,
    head_sha TEXT NOT NULL,
    name TEXT NOT NULL,
    conclusion TEXT,
    log TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS known_check_commit ON known_check (repository_id, head_sha);

  CREATE TABLE IF NOT EXISTS pull (
    id INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    number INTEGER NOT NULL,
    head_sha TEXT NOT NULL,
    title TEXT,
    author TEXT,
    state TEXT,
    draft INTEGER,
    merged INTEGER,
    changed_files INTEGER,
    changed_lines INTEGER,
    complexity REAL,
    updated_at TEXT,
    created_by TEXT NOT NULL,
    changed_by TEXT NOT NULL
  ) STRICT;

  CREATE TABLE IF NOT EXISTS analysis (
    check_run_id INTEGER NOT NULL,
    pull_id INTEGER NOT NULL,
    category TEXT NOT NULL,
    strategy TEXT NOT NULL,
    confidence REAL NOT NULL,
    PRIMARY KEY (check_run_id, pull_id)
  ) STRICT;

  CREATE TABLE IF NOT EXISTS fix (
    id TEXT PRIMARY KEY,
    pull_id INTEGER NOT NULL,
    strategy TEXT NOT NULL,
    content TEXT NOT NULL,
    confidence REAL NOT NULL,
    outcome TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS fix_pull ON fix (pull_id);
`

/**
 * Opens the service's own database, and makes what is missing, its folder too.
 * @throws UserError when that cannot be.
 */
export function openDatabase(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const database = new DatabaseSync(file, { timeout: 250 })
    database.exec('PRAGMA journal_mode = WAL')
    // A result must be as durable as the end of the job that found it, which survives a power cut.
    database.exec('PRAGMA synchronous = FULL')
    database.exec(SCHEMA)
    return database
  } catch (error) {
    throw new UserError(
      `the results cannot be kept in ${file}: ${(error as Error).message}; choose another place with --db`,
    )
  }
}
