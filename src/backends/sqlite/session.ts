import type { Clock } from '../../core/clock.ts'
import type { Database, Row } from './database.ts'
import type { Names } from './names.ts'

/** A queue as one transaction sees and changes it. Written back, once, when the transaction ends. */
export interface QueueRow {
  readonly id: number
  readonly name: string
  paused: boolean
  /** See ClaimResult. */
  control: number
  /** Grows when a watcher should be told. */
  wake: number
  /** No payload of a job in the queue is larger, in bytes. */
  largest: number
  /** When upkeep last ran, and until when it reaps nothing; lease clock. */
  maintained: number | null
  graceUntil: number | null
  /** How many jobs are in each state, by STATE. */
  readonly counts: number[]
  dirty: boolean
  woken: boolean
}

const COLUMNS =
  'queue_id, name, paused, control, wake, largest, maintained, grace_until, waiting, delayed, blocked, active, done, dead, cancelled'

/**
 * One unit of work on the database: a transaction, or a few reads. Has the time at which it happens, and the
 * queues that it touched.
 */
export class Session {
  readonly db: Database
  readonly names: Names
  readonly maxPayloadBytes: number
  /** The wall clock, ms since the epoch. */
  readonly wall: number
  /** The lease clock, ms. */
  readonly lease: number
  readonly #byName = new Map<string, QueueRow>()

  constructor(db: Database, names: Names, clock: Clock, maxPayloadBytes: number) {
    this.db = db
    this.names = names
    this.maxPayloadBytes = maxPayloadBytes
    this.wall = clock.wall()
    this.lease = clock.monotonic()
  }

  /** The queue of this name, made when there is none. */
  queue(name: string): QueueRow {
    const found = this.findQueue(name)
    if (found !== undefined) return found
    this.db.statement('INSERT INTO queue (name) VALUES (?)').run(name)
    return this.findQueue(name)!
  }

  findQueue(name: string): QueueRow | undefined {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    return this.#add(this.db.statement(`SELECT ${COLUMNS} FROM queue WHERE name = ?`).get(name))
  }

  queueOf(id: number): QueueRow {
    for (const queue of this.#byName.values()) if (queue.id === id) return queue
    return this.#add(this.db.statement(`SELECT ${COLUMNS} FROM queue WHERE queue_id = ?`).get(id))!
  }

  queues(): QueueRow[] {
    const rows = this.db.statement(`SELECT ${COLUMNS} FROM queue ORDER BY queue_id`).all()
    return rows.map((row) => this.#byName.get(row[1] as string) ?? this.#add(row)!)
  }

  /** `count` jobs of a queue went from one state to another; null: they came, or were removed. */
  moved(queue: QueueRow, from: number | null, to: number | null, count: number): void {
    if (from !== null) queue.counts[from]! -= count
    if (to !== null) queue.counts[to]! += count
    queue.dirty = true
  }

  /** Whoever watches the queue is to be told when the transaction is through. */
  wake(queue: QueueRow): void {
    if (queue.woken) return
    queue.wake++
    queue.woken = true
    queue.dirty = true
  }

  /** Takes `count` new sequence numbers; the answer is the first. */
  takeSeqs(count: number): number {
    const row = this.db.statement('UPDATE counter SET seq = seq + ? RETURNING seq').get(count)
    return (row![0] as number) - count + 1
  }

  /** Writes the queues back. @returns those that were woken. */
  flush(): QueueRow[] {
    const woken: QueueRow[] = []
    for (const queue of this.#byName.values()) {
      if (!queue.dirty) continue
      const { paused, control, wake, largest, maintained, graceUntil, counts } = queue
      this.db
        .statement(UPDATE)
        .run(paused ? 1 : 0, control, wake, largest, maintained, graceUntil, ...counts, queue.id)
      if (queue.woken) woken.push(queue)
    }
    return woken
  }

  #add(row: Row | undefined): QueueRow | undefined {
    if (row === undefined) return undefined
    const queue: QueueRow = {
      id: row[0] as number,
      name: row[1] as string,
      paused: row[2] === 1,
      control: row[3] as number,
      wake: row[4] as number,
      largest: row[5] as number,
      maintained: row[6] as number | null,
      graceUntil: row[7] as number | null,
      counts: row.slice(8) as number[],
      dirty: false,
      woken: false,
    }
    this.#byName.set(queue.name, queue)
    return queue
  }
}

const UPDATE = `
  UPDATE queue SET paused = ?, control = ?, wake = ?, largest = ?, maintained = ?, grace_until = ?,
    waiting = ?, delayed = ?, blocked = ?, active = ?, done = ?, dead = ?, cancelled = ?
  WHERE queue_id = ?`
