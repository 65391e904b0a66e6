import { BackendError } from '../../core/errors.ts'
import { sameBoot } from './boot.ts'
import type { Database } from './database.ts'
import { APPLICATION_ID, MIGRATIONS, STATE } from './schema.ts'

/**
 * Says which version of our schema the database has, 0 for an empty one, and changes nothing.
 * @throws BackendError BACKEND_FOREIGN when it belongs to another program, BACKEND_NEWER when to a later version.
 */
export function readVersion(db: Database): number {
  // At one moment: who creates the schema meanwhile must not be seen half done.
  return inTransaction(db, 'DEFERRED', () => versionWithin(db))
}

function versionWithin(db: Database): number {
  const application = db.pragma('application_id')
  const tables = Number(db.statement('SELECT count(*) FROM sqlite_schema').get()?.[0])
  if (application === 0 && tables === 0) return 0
  if (application !== APPLICATION_ID) {
    throw new BackendError(
      'BACKEND_FOREIGN',
      `${db.label} is a database of another program (application id ${String(application)}, ${tables} tables and indexes); it was not touched, choose another path`,
    )
  }
  const version = Number(
    db.statement("SELECT value FROM meta WHERE name = 'schema_version'").get()?.[0] ?? Number.NaN,
  )
  if (!Number.isSafeInteger(version)) {
    throw new BackendError('BACKEND_CORRUPT', `${db.label} does not say which version of the schema it has`)
  }
  if (version > MIGRATIONS.length) {
    throw new BackendError(
      'BACKEND_NEWER',
      `${db.label} has schema version ${version}, this version of millhand knows up to ${MIGRATIONS.length}; it was not touched, update millhand`,
    )
  }
  return version
}

/** Takes one step towards the present schema; false when there is none to take. Throws when busy. */
export function migrateStep(db: Database): boolean {
  if (readVersion(db) === MIGRATIONS.length) return false
  return inTransaction(db, 'IMMEDIATE', () => {
    // Somebody else may have taken it meanwhile.
    const version = versionWithin(db)
    const step = MIGRATIONS[version]
    if (step === undefined) return true
    if (version === 0) {
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      db.exec('CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID')
    }
    db.exec(step)
    setMeta(db, 'schema_version', version + 1)
    return true
  })
}

/** Lets go of what another boot of the machine left behind: its lease clock means nothing now. Throws when busy. */
export function noteBoot(db: Database, boot: string): void {
  const known = (): boolean => {
    const row = db.statement("SELECT value FROM meta WHERE name = 'boot_id'").get()
    return typeof row?.[0] === 'string' && sameBoot(row[0], boot)
  }
  if (known()) return
  inTransaction(db, 'IMMEDIATE', () => {
    if (known()) return
    setMeta(db, 'boot_id', boot)
    // A lease below 0 is over for certain: no grace is due to its owner.
    db.exec(`
      UPDATE job SET lease_until = -1 WHERE token IS NOT NULL AND state = ${STATE.active};
      UPDATE queue SET maintained = NULL, grace_until = NULL, wake = wake + 1;
      UPDATE type SET handled = NULL, unhandled_since = NULL`)
  })
}

function setMeta(db: Database, name: string, value: string | number): void {
  db.statement('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(name, value)
}

function inTransaction<T>(db: Database, mode: 'DEFERRED' | 'IMMEDIATE', work: () => T): T {
  db.exec(`BEGIN ${mode}`)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(db)
    throw error
  }
}

/** Some failures have rolled back already. */
export function rollBack(db: Database): void {
  try {
    db.exec('ROLLBACK')
  } catch {
    // Nothing to take back.
  }
}
