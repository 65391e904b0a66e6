import type { Clock } from '../../core/clock.ts'
import { formatMs } from '../../core/duration.ts'
import { StateError } from '../../core/errors.ts'
import type { Transaction } from '../../queue/backend.ts'
import { type Patience, retryWhileBusy, WriteTurns } from './busy.ts'
import { CallerConnections } from './caller.ts'
import { Checkpointer } from './checkpointer.ts'
import type { Database } from './database.ts'
import { explained, isBusy } from './failure.ts'
import { lockHolders } from './lock-holders.ts'
import { rollBack } from './migrate.ts'
import { Names } from './names.ts'
import { isFile, labelOf, type Location, openDatabase } from './open.ts'
import { type QueueRow, Session } from './session.ts'

export type Durability = 'normal' | 'full'

export interface StoreOptions {
  readonly location: Location
  readonly durability: Durability
  readonly clock: Clock
  readonly maxPayloadBytes: number
  readonly giveUpMs: number
  /** Hears of the queues that a transaction of ours woke, once it is committed. */
  readonly onWoken: (queues: readonly QueueRow[]) => void
}

/** The open database: who may use it when, in transactions. What is done in them is elsewhere. */
export class Store {
  readonly #options: StoreOptions
  readonly #label: string
  readonly #patience: Patience
  readonly #turns: WriteTurns
  readonly #names = new Names()
  readonly #callers: CallerConnections
  #db: Database | undefined
  #checkpointer: Checkpointer | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Operations that have begun and not ended. */
  readonly #running = new Set<Promise<unknown>>()
  /** What PRAGMA synchronous is set to now. */
  #synced: boolean | undefined

  constructor(options: StoreOptions) {
    this.#options = options
    this.#label = labelOf(options.location)
    this.#patience = {
      giveUpMs: options.giveUpMs,
      complaint: () =>
        `${this.#label} has been locked for ${formatMs(options.giveUpMs)} by ${lockHolders(options.location)}; end what holds it (an open transaction in a database tool, a backup), then try again`,
    }
    this.#turns = new WriteTurns(this.#patience)
    this.#callers = new CallerConnections(() => this.#require(), this.#label)
  }

  open(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closed())
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next call tries anew: the folder may be there by then.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<void> {
    const { location, durability } = this.#options
    this.#db = await openDatabase(location, this.#patience)
    if (durability === 'normal' && isFile(location)) this.#checkpointer = new Checkpointer(location)
  }

  /** Waits for the operations that have begun, then lets go. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => {})
    await Promise.allSettled(this.#running)
    const db = this.#db
    this.#db = undefined
    if (db === undefined) return
    await this.#checkpointer?.close()
    try {
      // A courtesy to whoever copies the file; SQLite does without.
      db.pragma('wal_checkpoint(TRUNCATE)')
    } catch {
      // Others still use it.
    }
    // A caller's client is theirs to close.
    if (typeof this.#options.location === 'string') db.close()
  }

  /** Undefined before `open` is done and after `close`. */
  get database(): Database | undefined {
    return this.#db
  }

  /** @throws StateError unless it is open. */
  check(): void {
    if (this.#closing !== undefined) throw this.#closed()
    if (this.#db !== undefined) return
    throw new StateError(`expected open() to be called, and done, before ${this.#label} is used`)
  }

  /** Runs an operation of the contract, which `close` will wait for. */
  operate<T>(operation: () => Promise<T>): Promise<T> {
    try {
      this.check()
    } catch (error) {
      return Promise.reject(error)
    }
    const running = operation()
    this.#running.add(running)
    const over = (): void => {
      this.#running.delete(running)
    }
    running.then(over, over)
    return running
  }

  /** Reads, outside of a transaction: each statement sees the latest commit. */
  async read<T>(work: (session: Session) => T): Promise<T> {
    try {
      // Busy is rare here: somebody is recovering the log, or is the last to close it.
      return await retryWhileBusy(() => work(this.session()), this.#patience)
    } catch (error) {
      throw explained(error, this.#label)
    }
  }

  /**
   * Runs `work` in a transaction of its own. It may run more than once, but takes effect once.
   * @param lasting its effect must survive a power cut, where `durability` is full.
   */
  write<T>(lasting: boolean, work: (session: Session) => T): Promise<T> {
    return this.#turns.run(() => {
      const db = this.#require()
      this.#begin(db, lasting && this.#options.durability === 'full')
      let result: T
      let woken: readonly QueueRow[]
      try {
        const session = this.session()
        result = work(session)
        woken = session.flush()
        db.statement('COMMIT').run()
      } catch (error) {
        rollBack(db)
        this.#names.forget()
        throw explained(error, this.#label)
      }
      this.#checkpointer?.committed()
      if (woken.length > 0) this.#options.onWoken(woken)
      return result
    })
  }

  /** Runs `work` as a part of the caller's own transaction. Watchers see its commit in the file. */
  async writeWithin<T>(transaction: Transaction, work: (session: Session) => T): Promise<T> {
    return this.#callers.within(transaction, (db) => {
      // Names that are made up here may be rolled back, and nobody would say so.
      const session = this.#session(db, new Names())
      const result = work(session)
      session.flush()
      return result
    })
  }

  session(): Session {
    return this.#session(this.#require(), this.#names)
  }

  #session(db: Database, names: Names): Session {
    return new Session(db, names, this.#options.clock, this.#options.maxPayloadBytes)
  }

  /** Takes the write lock. Throws what the driver throws when it is busy, for that is tried again. */
  #begin(db: Database, synced: boolean): void {
    try {
      // Cannot be set inside a transaction.
      if (this.#synced !== synced) db.exec(`PRAGMA synchronous = ${synced ? 'FULL' : 'NORMAL'}`)
      this.#synced = synced
      db.statement('BEGIN IMMEDIATE').run()
    } catch (error) {
      throw isBusy(error) ? error : explained(error, this.#label)
    }
  }

  #require(): Database {
    if (this.#db === undefined) throw this.#closed()
    return this.#db
  }

  #closed(): StateError {
    return new StateError(`${this.#label} was closed`)
  }
}
