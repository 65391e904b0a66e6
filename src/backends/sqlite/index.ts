import { resolve } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import type { Duration } from '../../core/duration.ts'
import { checkOptions, custom, duration, integer, oneOf } from '../../core/options.ts'
import type { Backend } from '../../queue/backend.ts'
import { SqliteBackend } from './backend.ts'
import type { SqliteClient } from './client.ts'
import type { Durability } from './store.ts'
import { parseUrl } from './url.ts'

export type { SqliteClient, SqliteStatement, SqliteValue } from './client.ts'
export type { Durability } from './store.ts'

export interface SqliteOptions {
  /**
   * `full`: what was accepted or settled has reached the disk when the call returns, and survives a power cut.
   * `normal`: it survives any crash of the process, but a power cut or a crash of the system may take back the
   * last moments (never a part of something). Saves one wait for the disk a call. Claims, starts and renewals
   * never wait: a power cut ends them anyway. Default: `full`.
   */
  readonly durability?: Durability
  /** The largest payload, in bytes. Default: 16 MiB. */
  readonly maxPayloadBytes?: number
  /** How long to wait for a file that others keep locked before BACKEND_UNAVAILABLE. Default: 30 s. */
  readonly lockTimeout?: Duration
  /** For tests. Default: the clocks of the machine. */
  readonly clock?: Clock
}

const RULES = {
  durability: oneOf<Durability>(['normal', 'full'], 'full'),
  maxPayloadBytes: integer({ min: 1, default: 16 * 1_048_576 }),
  lockTimeout: duration({ default: '30s' }),
  clock: custom<Clock>('a Clock', isClock, () => systemClock),
}

/**
 * Keeps jobs in a SQLite file, which any number of processes of one machine can share. Needs no server; the
 * driver comes with Node.
 *
 *     const backend = sqlite('jobs.db')
 *     const other = sqlite(new BetterSqlite3('jobs.db'))
 *
 * @param location the file, made when it is missing (its folder is not); `:memory:` for none; or a client of your
 *   own, as of better-sqlite3, for nothing but this. It stays yours to close.
 * @throws InvalidOptionError for options that cannot be. What is wrong with the file is told by `open`:
 *   BACKEND_FOREIGN, BACKEND_NEWER, BACKEND_CORRUPT or BACKEND_UNAVAILABLE.
 */
export function sqlite(location: string | SqliteClient, options?: SqliteOptions): Backend {
  const where = custom<string | SqliteClient>('a path or a SQLite client', isLocation)(location, 'location')
  const { lockTimeout, ...checked } = checkOptions('sqlite', RULES, options)
  // A working directory that changes later must not change the file.
  const path = typeof where === 'string' && where !== ':memory:' ? resolve(where) : where
  const reachable = options?.clock === undefined
  return new SqliteBackend({ ...checked, location: path, giveUpMs: lockTimeout }, reachable)
}

/**
 * The backend that a URL names: `sqlite:jobs.db`, `sqlite:/var/lib/jobs.db?durability=normal`.
 * @throws InvalidOptionError when it cannot be read.
 */
export function fromUrl(url: URL | string): Backend {
  const { path, durability } = parseUrl(String(url))
  return sqlite(path, durability === undefined ? {} : { durability: durability as Durability })
}

function isClock(value: unknown): boolean {
  const { wall, monotonic } = (value ?? {}) as Partial<Record<keyof Clock, unknown>>
  return typeof wall === 'function' && typeof monotonic === 'function'
}

function isLocation(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  const { exec, prepare, close } = (value ?? {}) as Partial<Record<keyof SqliteClient, unknown>>
  return typeof exec === 'function' && typeof prepare === 'function' && typeof close === 'function'
}
