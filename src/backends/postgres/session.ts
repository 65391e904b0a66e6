import { createHash } from 'node:crypto'
import type { PgClient, PgPool, PgResult } from './client.ts'
import { isForgotten } from './failure.ts'

/** A row as the server wrote it. */
export type Row = readonly (string | null)[]

/** Statements that stay the same have names by their text; a connection parses each once. */
const names = new Map<string, string>()
const RAW = { getTypeParser: () => (value: unknown) => value }

/** Whether statements may be known to connections by name. Shared by all sessions of a store. */
export interface Prepared {
  allowed: boolean
}

/**
 * Who answers statements: a pool (each on a connection of its choice), or one connection in a transaction. All names of
 * statements, tables and functions are complete, so it does not matter which.
 */
export class Session {
  readonly #client: PgClient | PgPool
  readonly #prepared: Prepared
  readonly #deadlineMs: number
  /** The schema, quoted. */
  readonly s: string
  /** The first key of the locks of queues. */
  readonly space: number
  readonly maxPayloadBytes: number
  /** In a transaction, what failed cannot be tried again by us. */
  readonly inTransaction: boolean
  /** In a transaction of ours, not of a caller's. */
  readonly ours: boolean
  /** Queues whose watchers are to be told when it is through. */
  readonly woken: Set<string> = new Set()

  constructor(
    client: PgClient | PgPool,
    options: {
      readonly s: string
      readonly space: number
      readonly prepared: Prepared
      readonly deadlineMs: number
      readonly maxPayloadBytes: number
    },
    kind: 'pool' | 'ours' | 'caller',
  ) {
    this.#client = client
    this.#prepared = options.prepared
    this.#deadlineMs = options.deadlineMs
    this.s = options.s
    this.space = options.space
    this.maxPayloadBytes = options.maxPayloadBytes
    this.inTransaction = kind !== 'pool'
    this.ours = kind !== 'caller'
  }

  /** The rows, as text. */
  async rows(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#ask(text, values)).rows as unknown as Row[]
  }

  /** The first row, as text. */
  async row(text: string, values: readonly unknown[] = []): Promise<Row | undefined> {
    return (await this.rows(text, values))[0]
  }

  /** The columns of the first row, which are JSON. */
  async json<T extends readonly unknown[]>(text: string, values: readonly unknown[]): Promise<T> {
    const row = (await this.row(text, values)) ?? []
    return row.map((column) => (column === null ? null : (JSON.parse(column) as unknown))) as unknown as T
  }

  async #ask(text: string, values: readonly unknown[]): Promise<PgResult> {
    const query = {
      text,
      values: [...values],
      rowMode: 'array' as const,
      types: RAW,
      query_timeout: this.#deadlineMs,
    }
    if (!this.#prepared.allowed) return (await this.#client.query(query)) as PgResult
    try {
      return (await this.#client.query({ ...query, name: nameOf(text) })) as PgResult
    } catch (error) {
      if (!isForgotten(error)) throw error
      // A pooler shares connections out: what one of them knows, the next does not.
      this.#prepared.allowed = false
      if (this.inTransaction) throw error
      return (await this.#client.query(query)) as PgResult
    }
  }
}

function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `millhand_${createHash('sha256').update(text).digest('base64url').slice(0, 20)}`
    names.set(text, name)
  }
  return name
}
