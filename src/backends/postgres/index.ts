import type { Duration } from '../../core/duration.ts'
import { boolean, checkOptions, custom, duration, integer } from '../../core/options.ts'
import type { Backend } from '../../queue/backend.ts'
import { PostgresBackend } from './backend.ts'
import { isPool, type PgPool } from './client.ts'
import { parseUrl, toUrl } from './url.ts'

export type { PgClient, PgPool, PgQuery } from './client.ts'

export interface PostgresOptions {
  /** The schema that holds the tables, made when it is missing. Default: `millhand`. */
  readonly schema?: string
  /**
   * The most connections of this backend, besides the one that listens. Made when they are needed. Of a pool of yours,
   * the pool decides. Default: 10.
   */
  readonly connections?: number
  /**
   * Whether a connection listens for new jobs while workers wait. Switch it off behind a pooler that shares connections
   * out by transaction, through which notifications do not come: jobs of other processes are then found within
   * 5 s, by a look of each process at all queues. Of a pool of yours, one connection is kept to listen. Default: true.
   */
  readonly listen?: boolean
  /** How long the server may take for a statement, before the connection is taken for dead. Default: 5 s. */
  readonly timeout?: Duration
  /** The largest payload, in bytes. Default: 16 MiB. */
  readonly maxPayloadBytes?: number
}

const RULES = {
  schema: custom<string>('the name of a schema, of at most 63 bytes', isSchema, () => 'millhand'),
  connections: integer({ min: 1, max: 1000, default: 10 }),
  listen: boolean(true),
  timeout: duration({ default: '5s', min: 100 }),
  maxPayloadBytes: integer({ min: 1, max: 256 * 1_048_576, default: 16 * 1_048_576 }),
}

/**
 * Keeps jobs in a Postgres database (13 or later), which any number of machines can share. Needs the driver `pg`.
 *
 *     const backend = postgres('postgres://app@db.example/app')
 *     const other = postgres(new Pool({ ... }))
 *
 * @param source a URL as the driver takes it, or a pool of your own of `pg`, which stays yours to end.
 * @throws InvalidOptionError for options that cannot be. What is wrong with the server is told by `open`:
 *   BACKEND_UNAVAILABLE, BACKEND_FOREIGN, BACKEND_NEWER or DRIVER_MISSING. No error shows a password.
 */
export function postgres(source: string | PgPool, options?: PostgresOptions): Backend {
  if (typeof source === 'string') {
    const { connection, store } = parseUrl(source)
    const { timeout, ...checked } = checkOptions('postgres', RULES, { ...store, ...options })
    return new PostgresBackend(
      { ...checked, source: connection, deadlineMs: timeout },
      toUrl(connection, checked),
    )
  }
  const pool = custom<PgPool>('a URL or a pool of pg', isPool)(source, 'source')
  const { timeout, ...checked } = checkOptions('postgres', RULES, options)
  return new PostgresBackend({ ...checked, source: pool, deadlineMs: timeout }, null)
}

/**
 * The backend that a URL names: `postgres://user@host:5432/database`, and `?millhand_schema=jobs` for another schema.
 * @throws InvalidOptionError when it cannot be read.
 */
export function fromUrl(url: URL | string): Backend {
  return postgres(String(url))
}

function isSchema(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0') && Buffer.byteLength(value) <= 63
}
