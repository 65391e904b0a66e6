import type { Database } from './database.ts'

/**
 * The small numbers that stand for the names of job types. They never change once committed, so they are
 * remembered; a transaction that is rolled back may have made some up, so it must say `forget`.
 */
export class Names {
  readonly #ids = new Map<number, Map<string, number>>()
  readonly #names = new Map<number, string>()

  /** The number of a type, made when there is none. */
  typeId(db: Database, queueId: number, name: string): number {
    const found = this.findTypeId(db, queueId, name)
    if (found !== undefined) return found
    db.statement('INSERT INTO type (queue_id, name) VALUES (?, ?)').run(queueId, name)
    return this.findTypeId(db, queueId, name)!
  }

  findTypeId(db: Database, queueId: number, name: string): number | undefined {
    const known = this.#ids.get(queueId)?.get(name)
    if (known !== undefined) return known
    const row = db.statement('SELECT type_id FROM type WHERE queue_id = ? AND name = ?').get(queueId, name)
    return row === undefined ? undefined : this.#learn(queueId, row[0] as number, name)
  }

  typeName(db: Database, id: number): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const row = db.statement('SELECT queue_id, name FROM type WHERE type_id = ?').get(id)!
    this.#learn(row[0] as number, id, row[1] as string)
    return row[1] as string
  }

  forget(): void {
    this.#ids.clear()
    this.#names.clear()
  }

  #learn(queueId: number, id: number, name: string): number {
    let ids = this.#ids.get(queueId)
    if (ids === undefined) this.#ids.set(queueId, (ids = new Map()))
    ids.set(name, id)
    this.#names.set(id, name)
    return id
  }
}
