import { BackendError } from '../../core/errors.ts'

/** What is asked of a server: a statement of the `pg` driver. */
export interface PgQuery {
  readonly text: string
  readonly values?: unknown[]
  readonly name?: string
  readonly rowMode?: 'array'
  readonly query_timeout?: number
  readonly types?: { getTypeParser(): (value: unknown) => unknown }
}

export interface PgResult {
  readonly rows: unknown[][]
  readonly rowCount: number | null
}

/** One connection, such as a `Client` or `PoolClient` of `pg`. */
export interface PgClient {
  query(query: PgQuery): Promise<unknown>
  release?(error?: Error | boolean): void
  on?(event: 'error', listener: (error?: Error) => void): unknown
  removeListener?(event: 'error', listener: (error?: Error) => void): unknown
}

/** A `Pool` of `pg`. */
export interface PgPool {
  /** How many of its connections nobody uses. */
  readonly idleCount?: number
  connect(): Promise<PgClient>
  query(query: PgQuery): Promise<unknown>
  on?(event: 'error', listener: (error: Error) => void): unknown
}

/** Ours, made from a URL. */
export interface OwnClient extends PgClient {
  readonly connection: { readonly stream: { destroy(): void } }
  query(query: PgQuery): Promise<unknown>
  query(query: PgQuery, done: (error: Error | null | undefined, result?: unknown) => void): void
  connect(): Promise<unknown>
  end(): Promise<void>
  /** Whether it keeps the process alive. */
  ref(): void
  unref(): void
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown
  on(event: 'notification', listener: (message: { payload?: string }) => void): unknown
}

export interface Settings {
  readonly connectionString: string
  readonly application_name: string
  readonly connectionTimeoutMillis: number
  readonly keepAlive: true
  readonly keepAliveInitialDelayMillis: number
}

export interface Driver {
  Client: new (settings: Settings) => OwnClient
}

/** The driver, loaded when a URL has to be opened. The only place that names it. */
export async function loadDriver(): Promise<Driver> {
  try {
    const pg = (await import('pg')) as unknown as { default: Driver }
    return pg.default
  } catch (cause) {
    throw new BackendError(
      'DRIVER_MISSING',
      'a postgres URL needs the driver "pg", which is not installed: npm install pg',
      { cause },
    )
  }
}

export function isPool(value: unknown): value is PgPool {
  const { connect, query } = (value ?? {}) as Partial<Record<keyof PgPool, unknown>>
  return typeof connect === 'function' && typeof query === 'function'
}
