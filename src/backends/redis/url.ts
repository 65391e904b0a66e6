import { InvalidOptionError } from '../../core/errors.ts'

/** What a URL says: where the server is, what it may be called, and our own options. */
export interface RedisUrl {
  /** For the driver: without our own options. */
  readonly server: string
  /** For messages: without credentials. */
  readonly label: string
  readonly options: Readonly<Record<string, string>>
}

const OWN = ['prefix', 'hashTag', 'allowEviction', 'commandTimeout', 'maxPayloadBytes']

/**
 * Reads `redis://user:password@host:6379/0?prefix=jobs`; `rediss:` for TLS.
 * @throws InvalidOptionError when it cannot be read. Nothing of it is shown.
 */
export function parseUrl(text: string): RedisUrl {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalid('expected url to be a URL such as redis://localhost:6379/0')
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw invalid(`expected url to begin with redis: or rediss:, got: ${url.protocol}`)
  }
  const db = url.pathname.replace(/^\//, '')
  if (!/^\d*$/.test(db)) throw invalid('expected the path of url to be the number of a database, such as /0')
  const options: Record<string, string> = {}
  for (const name of OWN) {
    const value = url.searchParams.get(name)
    if (value !== null) options[name] = value
    url.searchParams.delete(name)
  }
  // `redis:` alone, and `redis:///1`, mean this machine.
  const host = url.hostname || 'localhost'
  const server =
    url.hostname === '' ? `${url.protocol}//${host}${url.pathname || '/'}${url.search}` : url.href
  return { server, label: `redis at ${host}:${url.port || '6379'}/${db || '0'}`, options }
}

/** The URL with which another process reaches the same store. */
export function toUrl(server: string, options: Readonly<Record<string, string | number | boolean>>): string {
  const url = new URL(server)
  for (const [name, value] of Object.entries(options)) url.searchParams.set(name, String(value))
  return url.href
}

function invalid(message: string): InvalidOptionError {
  return new InvalidOptionError('url', message)
}
