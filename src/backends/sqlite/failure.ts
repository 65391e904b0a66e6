import { BackendError, MillhandError, toError } from '../../core/errors.ts'

/** Primary result codes, https://sqlite.org/rescode.html */
const CODES = {
  PERM: 3,
  BUSY: 5,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const

type Failure = keyof typeof CODES

/** Somebody else holds a lock now. Nothing has happened; the same again may work. */
export function isBusy(error: unknown): boolean {
  return failureOf(error) === 'BUSY'
}

/** The error to show for what the driver threw: what is wrong with which file, and the way out. */
export function explained(thrown: unknown, label: string): Error {
  if (thrown instanceof MillhandError) return thrown
  const cause = toError(thrown)
  const because = (
    code: 'BACKEND_UNAVAILABLE' | 'BACKEND_CORRUPT',
    text: string,
    retryable: boolean,
  ): BackendError => new BackendError(code, `${text} (${cause.message})`, { cause, retryable })
  switch (failureOf(thrown)) {
    case 'PERM':
    case 'READONLY':
      return because(
        'BACKEND_UNAVAILABLE',
        `cannot write to ${label}: the file or its folder is read-only for this process; make both writable, for SQLite keeps two more files (-wal and -shm) beside it`,
        false,
      )
    case 'CANTOPEN':
      return because(
        'BACKEND_UNAVAILABLE',
        `cannot open ${label}: it must be a file that this process may read and write, in a folder where it may create files`,
        false,
      )
    case 'FULL':
      return because(
        'BACKEND_UNAVAILABLE',
        `the disk that holds ${label} is full; what was accepted is safe, nothing new is until there is space`,
        true,
      )
    case 'IOERR':
      return because(
        'BACKEND_UNAVAILABLE',
        `reading or writing ${label} failed; look at the disk and its free space`,
        true,
      )
    case 'CORRUPT':
    case 'NOTADB':
      return because(
        'BACKEND_CORRUPT',
        `${label} is damaged or is no SQLite database; restore it from a backup, try "sqlite3 FILE .recover", or choose another path`,
        false,
      )
    case 'BUSY':
      return because('BACKEND_UNAVAILABLE', `${label} is locked by somebody else`, true)
    case undefined:
      return cause
  }
}

/** node:sqlite gives the number as `errcode`, better-sqlite3 the name as `code`. */
function failureOf(error: unknown): Failure | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { errcode, code } = error as { errcode?: unknown; code?: unknown }
  const known = Object.keys(CODES) as Failure[]
  if (typeof errcode === 'number') return known.find((name) => CODES[name] === (errcode & 0xff))
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return undefined
  return known.find((name) => code === `SQLITE_${name}` || code.startsWith(`SQLITE_${name}_`))
}
