import { Crowd, type Member } from '../../core/crowd.ts'
import { BackendError } from '../../core/errors.ts'
import {
  type Driver,
  loadDriver,
  type OwnClient,
  type PgClient,
  type PgPool,
  type Settings,
} from './client.ts'
import { endsConnection, explained, isLate } from './failure.ts'
import { Pool } from './pool.ts'

export interface ConnectionsOptions {
  /** A URL, or somebody's pool. */
  readonly source: string | PgPool
  readonly connections: number
  readonly deadlineMs: number
}

/** One set of connections; after a `reconnect` there is another. */
interface Generation {
  readonly pool: PgPool
  /** The same, when it is ours. */
  readonly own: Pool | undefined
  /**
   * What is under way on it rejects when it is given up. Not a race against one promise: that would hold what took part
   * in each for as long as it is pending, so for ever.
   */
  readonly underWay: Crowd<UnderWay>
  /** When what was idle in somebody's pool was closed last, by performance.now(). */
  closedAt: number
}

interface UnderWay extends Member {
  readonly reject: (error: Error) => void
}

/**
 * A server that writes an answer to a machine which is gone keeps the locks of that statement until it gives up, after a
 * quarter of an hour unless it is told otherwise.
 */
const GONE = `SELECT set_config('tcp_user_timeout', '15s', false), set_config('tcp_keepalives_idle', '10', false),
  set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`

/** Whoever asks on a connection that failed is told by the answer. */
function unheard(): void {}

/**
 * The connections to the server. Each statement has a deadline, so that a silent connection is found out; a connection
 * that failed is thrown away, and a new one is made by whoever needs one next.
 */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly label: string
  readonly #secrets: readonly string[]
  #driver: Driver | undefined
  #generation: Generation | undefined
  #closed = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
    const { source } = options
    this.label = typeof source === 'string' ? labelOf(source) : 'the Postgres server of the given pool'
    this.#secrets = typeof source === 'string' ? secretsOf(source) : []
  }

  /** Loads the driver, where one is needed. */
  async open(): Promise<void> {
    if (typeof this.#options.source === 'string') this.#driver ??= await loadDriver()
  }

  /** Runs `work` with a pool. @throws BackendError, retryable when the connections are to blame. */
  async withPool<T>(work: (pool: PgPool) => Promise<T>): Promise<T> {
    const generation = this.#present()
    const begun = performance.now()
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const one = { place: -1, reject }
    generation.underWay.add(one)
    try {
      work(generation.pool).then(resolve, reject)
      return await promise
    } catch (error) {
      // What was made since then is new.
      if (generation.own === undefined && isLate(error) && generation.closedAt < begun) closeIdle(generation)
      throw this.explained(error)
    } finally {
      generation.underWay.delete(one)
    }
  }

  /** Runs `work` with one connection, for itself. It is thrown away when it may be in an unknown state. */
  withClient<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return this.withPool(async (pool) => {
      const client = await pool.connect()
      // While it is lent its pool does not listen, and an error that nobody hears ends the process.
      client.on?.('error', unheard)
      let failure: Error | undefined
      try {
        return await work(client)
      } catch (error) {
        failure = error as Error
        throw error
      } finally {
        client.removeListener?.('error', unheard)
        client.release?.(failure !== undefined && endsConnection(failure) ? failure : undefined)
      }
    })
  }

  /** A connection to listen on: of our own, or one that is kept from the caller's pool. */
  async dedicated(): Promise<{ client: OwnClient; end: () => void }> {
    const { source } = this.#options
    if (typeof source !== 'string') {
      const client = (await source.connect()) as OwnClient
      client.on('error', unheard)
      return { client, end: () => client.release?.(true) }
    }
    const client = this.#client(source)
    await client.connect()
    client.unref()
    return { client, end: () => client.connection.stream.destroy() }
  }

  explained(error: unknown): Error {
    return explained(error, this.label, this.#secrets)
  }

  /** Gives up all connections, and whoever waits for one. */
  reconnect(): void {
    const generation = this.#generation
    if (generation === undefined) return
    this.#generation = undefined
    const error = new BackendError('BACKEND_UNAVAILABLE', `${this.label} did not answer; connecting anew`)
    for (const { reject } of generation.underWay) reject(error)
    if (generation.own === undefined) closeIdle(generation)
    else generation.own.destroy()
  }

  async close(): Promise<void> {
    this.#closed = true
    const generation = this.#generation
    this.#generation = undefined
    await generation?.own?.end()
  }

  #present(): Generation {
    if (this.#closed)
      throw new BackendError('BACKEND_UNAVAILABLE', `${this.label} was closed`, { retryable: false })
    return (this.#generation ??= this.#make())
  }

  #make(): Generation {
    const { source, connections, deadlineMs } = this.#options
    const underWay = new Crowd<UnderWay>()
    if (typeof source !== 'string') return { pool: source, own: undefined, underWay, closedAt: -Infinity }
    const own = new Pool({
      max: connections,
      patienceMs: deadlineMs,
      make: () => this.#client(source),
      // Where it cannot be set, it is as before.
      ready: (client) => client.query({ text: GONE, query_timeout: deadlineMs }).then(unheard, unheard),
    })
    return { pool: own, own, underWay, closedAt: -Infinity }
  }

  #client(source: string): OwnClient {
    const client = new this.#driver!.Client(this.#settings(source))
    // It may fail while nobody else listens, and an error that nobody hears ends the process.
    client.on('error', unheard)
    return client
  }

  #settings(source: string): Settings {
    const { deadlineMs } = this.#options
    return {
      connectionString: source,
      application_name: 'millhand',
      connectionTimeoutMillis: deadlineMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    }
  }
}

/**
 * What is idle in somebody's pool may be as silent as what did not answer, and each that is tried takes long to be found
 * out. It makes others when it needs them.
 */
function closeIdle(generation: Generation): void {
  const { pool } = generation
  generation.closedAt = performance.now()
  for (let left = pool.idleCount ?? 0; left > 0; left--) {
    pool.connect().then((client) => client.release?.(true), unheard)
  }
}

/** The server and database that a URL names, without credentials. */
function labelOf(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url)
    return `the Postgres database ${decodeURIComponent(pathname.slice(1))} at ${hostname || 'localhost'}:${port || '5432'}`
  } catch {
    return 'the Postgres database of the URL'
  }
}

function secretsOf(url: string): string[] {
  try {
    const { password, searchParams } = new URL(url)
    return [password, decodeURIComponent(password), searchParams.get('password') ?? '']
  } catch {
    return []
  }
}
