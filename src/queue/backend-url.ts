import { InvalidOptionError } from '../core/errors.ts'
import { nearest } from '../core/options.ts'

/** The backends that there are, by the scheme of their URLs. */
export const SCHEMES = ['memory', 'sqlite', 'redis', 'rediss', 'postgres', 'postgresql'] as const
export type Scheme = (typeof SCHEMES)[number]

export interface BackendUrl {
  readonly scheme: Scheme
  /** As the backend takes it, always with its scheme. */
  readonly url: string
  /** The file that the store is, for a backend that has one. */
  readonly file: string | undefined
}

const WITH_SCHEME = /^([a-z][a-z0-9+.-]+):/i
const SQLITE_FILE = /\.(?:db|sqlite|sqlite3)$/i
const EXAMPLES =
  "such as 'sqlite:jobs.db', 'redis://localhost:6379/0', 'postgres://localhost/app' or 'memory:'"

/**
 * Reads the URL of a backend, or the path of an SQLite file that ends in .db, .sqlite or .sqlite3.
 * No message has more of a URL than its scheme, since the rest may hold credentials.
 * @throws InvalidOptionError when it is neither, or when there is no such backend.
 */
export function backendUrl(text: string): BackendUrl {
  const scheme = WITH_SCHEME.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    if (SQLITE_FILE.test(text)) {
      const path = text.replaceAll(/[%?#\s]/g, encodeURIComponent)
      return { scheme: 'sqlite', url: `sqlite:${path}`, file: text }
    }
    throw invalid(`expected the backend to be a URL ${EXAMPLES}, or a path that ends in .db or .sqlite`)
  }
  const known = SCHEMES.find((candidate) => candidate === scheme)
  if (known !== undefined) {
    const rest = text.slice(known.length + 1)
    return { scheme: known, url: `${known}:${rest}`, file: known === 'sqlite' ? fileOf(rest) : undefined }
  }
  const guess = nearest(scheme, SCHEMES)
  const hint = guess === undefined ? '' : `did you mean "${guess}:"? `
  throw invalid(
    `there is no backend for "${scheme}:"; ${hint}Known are ${SCHEMES.map((name) => `${name}:`).join(', ')}, ${EXAMPLES}`,
  )
}

function fileOf(rest: string): string | undefined {
  const [path = ''] = rest.replace(/^\/\/(?=\/)/, '').split('?', 1)
  try {
    return path === ':memory:' ? undefined : decodeURIComponent(path)
  } catch {
    throw invalid('expected a % in the path of a URL to be written as %25')
  }
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError('backend', message)
}
