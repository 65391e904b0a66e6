import { StateError } from '../../core/errors.ts'
import { CallerClients } from './caller.ts'
import type { PgClient, PgPool } from './client.ts'
import { Connections } from './connections.ts'
import { endsConnection, isCollision } from './failure.ts'
import { migrate } from './migrate.ts'
import { lockSpace, quoted } from './schema.ts'
import { type Prepared, Session } from './session.ts'
import { Watchers } from './watch.ts'

export interface StoreOptions {
  /** A URL, or somebody's pool. */
  readonly source: string | PgPool
  readonly schema: string
  readonly connections: number
  readonly listen: boolean
  readonly maxPayloadBytes: number
  /** How long a statement may take. */
  readonly deadlineMs: number
}

/** How often a transaction is begun again that ran into another. */
const COLLISIONS = 5

/**
 * The server cannot see that a connection has fallen silent; a transaction that was open on it would keep its locks
 * for hours, and all who want them waiting.
 */
const IDLE_LIMIT = "SELECT set_config('idle_in_transaction_session_timeout', '5s', true)"
const LIMITS = `${IDLE_LIMIT}, set_config('lock_timeout', '4s', true)`

/** The open database: who may use it when, in transactions. What is done in them is elsewhere. */
export class Store {
  readonly #options: StoreOptions
  readonly #connections: Connections
  readonly #callers: CallerClients
  readonly watchers: Watchers
  readonly #prepared: Prepared = { allowed: true }
  readonly #space: number
  /** The lines that are known to be there. */
  readonly #lines = new Set<string>()
  #opening: Promise<void> | undefined
  #isOpen = false
  #closing: Promise<void> | undefined
  /** How many operations have begun and not ended; `#atRest` when there are none any more, and it closes. */
  #running = 0
  readonly #atRest = Promise.withResolvers<void>()

  constructor(options: StoreOptions) {
    this.#options = options
    this.#space = lockSpace(options.schema)
    this.#connections = new Connections(options)
    this.#callers = new CallerClients(options.schema, this.#connections.label)
    this.watchers = new Watchers({
      channel: options.schema,
      connect: options.listen ? () => this.#connections.dedicated() : undefined,
      notify: (work) => this.#connections.withPool((pool) => work(this.#session(pool, 'pool'))),
      deadlineMs: options.deadlineMs,
    })
  }

  open(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closed())
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next call tries anew: the server may be there by then.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<void> {
    await this.#connections.open()
    await this.#connections.withPool((pool) =>
      migrate(this.#options.schema, this.#session(pool, 'pool', 0), (work) => this.#transact(work, 0)),
    )
    this.#isOpen = true
  }

  /** Waits for the operations that have begun, then lets go. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => {})
    if (this.#running > 0) await this.#atRest.promise
    await this.watchers.close()
    await this.#connections.close()
  }

  reconnect(): void {
    if (this.#closing !== undefined) return
    this.#connections.reconnect()
    this.watchers.reconnect()
  }

  /** @throws StateError unless it is open. */
  check(): void {
    if (this.#closing !== undefined) throw this.#closed()
    if (this.#isOpen) return
    throw new StateError(`expected open() to be called, and done, before ${this.#connections.label} is used`)
  }

  /** Runs an operation of the contract, which `close` will wait for. */
  operate<T>(operation: () => Promise<T>): Promise<T> {
    try {
      this.check()
    } catch (error) {
      return Promise.reject(error)
    }
    const running = operation()
    this.#running++
    const over = (): void => {
      if (--this.#running === 0 && this.#closing !== undefined) this.#atRest.resolve()
    }
    running.then(over, over)
    return running
  }

  /** Runs statements that are a transaction each. One that ran into another's is run again, so `work` is one. */
  async run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const { result, woken } = await this.#connections.withPool((pool) =>
      again(async () => {
        const session = this.#session(pool, 'pool')
        return { result: await work(session), woken: session.woken }
      }),
    )
    this.watchers.woken(woken)
    return result
  }

  /** Runs `work` in a transaction of its own. It may run more than once, but takes effect once. */
  async transact<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const { result, woken } = await this.#transact(async (session) => ({
      result: await work(session),
      woken: session.woken,
    }))
    this.watchers.woken(woken)
    return result
  }

  #transact<T>(work: (session: Session) => Promise<T>, deadlineMs?: number): Promise<T> {
    return again(() =>
      this.#connections.withClient(async (client) => {
        const session = this.#session(client, 'ours', deadlineMs)
        await session.rows('BEGIN')
        try {
          await session.rows(deadlineMs === undefined ? LIMITS : IDLE_LIMIT)
          const result = await work(session)
          await session.rows('COMMIT')
          return result
        } catch (error) {
          if (!endsConnection(error)) await session.rows('ROLLBACK')
          throw error
        }
      }),
    )
  }

  /** Runs `work` as a part of the caller's transaction. */
  async within<T>(transaction: unknown, work: (session: Session) => Promise<T>): Promise<T> {
    const own = (): Promise<Session> => Promise.resolve(this.#session(this.#poolForIdentity(), 'pool'))
    const client = await this.#callers.check(transaction, own)
    try {
      const session = this.#session(client, 'caller')
      const result = await work(session)
      if (session.woken.size > 0) await this.watchers.notifyWithin(session)
      return result
    } catch (error) {
      throw this.#connections.explained(error)
    }
  }

  #poolForIdentity(): PgPool {
    return {
      connect: () => this.#connections.withPool((pool) => pool.connect()),
      query: (query) => this.#connections.withPool((pool) => pool.query(query)),
    }
  }

  /** Makes a queue and lines of it, for a transaction: in it when it is ours, else before it. */
  prepare(session: Session): (queue: string, types: Buffer, ranks: Buffer) => Promise<void> {
    return async (queue, types, ranks) => {
      const ask = (by: Session): Promise<unknown> =>
        by.rows(`SELECT ${by.s}.prepare($1, $2, $3)`, [queue, types, ranks])
      if (session.inTransaction && session.ours) {
        await ask(session)
        return
      }
      const key = `${queue}\0${types.toString('latin1')}\0${ranks.toString('latin1')}`
      if (session.inTransaction && this.#lines.has(key)) return
      await this.#connections.withPool((pool) => ask(this.#session(pool, 'pool')))
      if (this.#lines.size > 1000) this.#lines.clear()
      this.#lines.add(key)
    }
  }

  #session(
    client: PgClient | PgPool,
    kind: 'pool' | 'ours' | 'caller',
    deadlineMs: number = this.#options.deadlineMs,
  ): Session {
    const { schema, maxPayloadBytes } = this.#options
    const options = {
      s: quoted(schema),
      space: this.#space,
      prepared: this.#prepared,
      deadlineMs,
      maxPayloadBytes,
    }
    return new Session(client, options, kind)
  }

  #closed(): StateError {
    return new StateError(`${this.#connections.label} was closed`)
  }
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await work()
    } catch (error) {
      const cause = (error as { cause?: unknown }).cause ?? error
      if (n >= COLLISIONS || !isCollision(cause)) throw error
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * n))
    }
  }
}
