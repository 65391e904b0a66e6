import { BackendError } from '../../core/errors.ts'
import { lockSpace, migrations, quoted } from './schema.ts'
import type { Session } from './session.ts'

/**
 * Brings the schema up to date; one process at a time, the others wait and find it done. Who may not create anything
 * can use a schema that is there and up to date.
 */
export async function migrate(
  schema: string,
  session: Session,
  transaction: (work: (session: Session) => Promise<void>) => Promise<void>,
): Promise<void> {
  await checkServer(session)
  const steps = migrations(schema)
  if ((await readVersion(schema, session, steps.length)) === steps.length) return
  await transaction(async (own) => {
    await own.rows('SELECT pg_advisory_xact_lock($1, 0)', [lockSpace(schema)])
    const version = await readVersion(schema, own, steps.length)
    if (version === steps.length) return
    const s = quoted(schema)
    if (version === 0) {
      await own.rows(`CREATE SCHEMA IF NOT EXISTS ${s}`)
      await own.rows(`CREATE TABLE ${s}.meta (name text PRIMARY KEY, value text NOT NULL)`)
    }
    for (const step of steps.slice(version))
      for (const statement of statementsOf(step)) await own.rows(statement)
    await own.rows(
      `INSERT INTO ${s}.meta VALUES ('schema_version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [String(steps.length)],
    )
  })
}

/** What the protocol takes one by one. Bodies of functions are between $$. */
function statementsOf(step: string): string[] {
  return step
    .split(/;(?=(?:(?:(?!\$\$)[\s\S])*\$\$(?:(?!\$\$)[\s\S])*\$\$)*(?:(?!\$\$)[\s\S])*$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim() !== '')
}

async function readVersion(schema: string, session: Session, known: number): Promise<number> {
  const [there, tables] = (await session.row(
    `SELECT to_regclass($1), (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $2)`,
    [`${quoted(schema)}.meta`, schema],
  ))!
  const label = `the schema "${schema}"`
  if (there === null) {
    if (tables === '0') return 0
    throw new BackendError(
      'BACKEND_FOREIGN',
      `${label} has ${String(tables)} tables, indexes or the like of another program; it was not touched, choose another schema`,
    )
  }
  const row = await session.row(`SELECT value FROM ${quoted(schema)}.meta WHERE name = 'schema_version'`)
  const version = Number(row?.[0] ?? Number.NaN)
  if (!Number.isSafeInteger(version)) {
    throw new BackendError('BACKEND_CORRUPT', `${label} does not say which version it has`)
  }
  if (version > known) {
    throw new BackendError(
      'BACKEND_NEWER',
      `${label} has version ${version}, this version of millhand knows up to ${known}; it was not touched, update millhand`,
    )
  }
  return version
}

async function checkServer(session: Session): Promise<void> {
  const [version, encoding, isolation] = (await session.row(
    `SELECT current_setting('server_version_num'), current_setting('server_encoding'), current_setting('default_transaction_isolation')`,
  ))!
  const refuse = (text: string): never => {
    throw new BackendError('BACKEND_UNAVAILABLE', text, { retryable: false })
  }
  if (Number(version) < 130_000) refuse(`expected Postgres 13 or later, got: ${String(version)}`)
  if (encoding !== 'UTF8')
    refuse(`expected the encoding of the database to be UTF8, got: ${String(encoding)}`)
  if (isolation !== 'read committed') {
    refuse(
      `expected default_transaction_isolation to be "read committed" for this user and database, got: ${String(isolation)}`,
    )
  }
}
