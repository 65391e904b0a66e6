import type { Duration } from '../../core/duration.ts'
import type { Emitter } from '../../core/events.ts'

/**
 * Where messages come from when one machine is not enough: a durable, keyed stream that several processes share.
 *
 * A stream has *shards*: parts that are each in order, and that each have one owner at a time. A shard of Redis is a
 * Redis stream, of Kafka a partition, of NATS a subject that is part of a partitioned one. All messages of a key are
 * in one shard. What the contract promises, whoever keeps it:
 *
 * - *Assign.* A shard is owned by one process of a group at a time, by a lease that it must renew. Processes that
 *   come and go, be it by a kill, change who owns what; no shard is without an owner for longer than a lease.
 * - *Revoke with drain.* A shard moves to another process only when what was read of it is done with and committed,
 *   so that the messages of a key are handled in their order.
 * - *Commit.* A position up to which all is done. Whoever owns the shard next reads on from there.
 * - *Fencing.* Each ownership has a token that is higher than all before it. A commit by an older one is refused:
 *   who was stopped for longer than its lease, and goes on, changes nothing.
 * - *At least once.* What was read and not committed is read again by the next owner. Nothing is skipped in silence.
 */
export interface StreamSource {
  /** For logs and events: the stream's name. */
  readonly name: string
  readonly events: Emitter<SourceEvents>
  /**
   * Joins the group of processes and begins to own shards, now and whenever owners change.
   * @throws what cannot mend by itself: a wrong password, a server that is too old. What can is tried again.
   */
  start(consumer: SourceConsumer): Promise<void>
  /** Drains and gives up all shards, and leaves the group. What does not end within `timeout` will be read again. */
  stop(options?: { readonly timeout?: Duration }): Promise<void>
  /**
   * All of the shard is done up to and with `offset`. Commits are sent in batches, within some 100 ms, and at once
   * when a shard is given up. One that is refused ends the ownership: `removed` is called.
   */
  commit(assignment: Assignment, offset: string): void
  status(): SourceStatus
}

/** One time of owning a shard. */
export interface Assignment {
  /** 0 to shards - 1. */
  readonly shard: number
  /** How many shards the stream has. */
  readonly shards: number
  /** Higher than that of every owner of the shard before: for the fencing of one's own effects. */
  readonly token: number
  /** What was committed last: reading begins after it. Null when nothing ever was: reading begins with the oldest. */
  readonly offset: string | null
  /** Aborts when it is not owned any more. */
  readonly signal: AbortSignal
  /**
   * Whether it is owned still. To be looked at after each wait, before anything is begun: a process that was stopped
   * past its lease may own nothing. When that must be asked of the server, the answer is a promise.
   */
  isHeld(): boolean | Promise<boolean>
}

export interface SourceRecord {
  readonly key: string
  readonly data: string | Uint8Array
  /** Its position in the shard; later ones have later positions, which need not be numbers. */
  readonly offset: string
  /** When it was appended, by the clock of the server, ms since the epoch. */
  readonly appendedAt: number
}

/** Who handles what a source reads. Calls about one shard come one after the other, those about several at once. */
export interface SourceConsumer {
  /** A shard is owned now. Reading begins when this resolves. */
  assigned(assignment: Assignment): Promise<void>
  /** The next records, in order. Resolves when there is room for more: all was accepted, not all is done. */
  records(assignment: Assignment, records: readonly SourceRecord[]): Promise<void>
  /** Before the next records, the bound of the stream has dropped `lost` others that nobody of this group had read. */
  gap(assignment: Assignment, lost: number): Promise<void>
  /** No more comes: resolves when all that came is done with and was given to `commit`. */
  drain(assignment: Assignment): Promise<void>
  /** Not owned any more: given up after `drain`, or lost, when another process may own it already. */
  removed(assignment: Assignment, why: 'released' | 'lost'): void
}

export interface SourceEvents {
  assigned: { readonly source: string; readonly shard: number; readonly token: number }
  removed: { readonly source: string; readonly shard: number; readonly why: 'released' | 'lost' }
  /** The bound of the stream has dropped what was not read yet. */
  gap: { readonly source: string; readonly shard: number; readonly lost: number }
  /** A commit was refused: the shard has another owner. */
  fenced: { readonly source: string; readonly shard: number; readonly token: number }
  /** The server cannot be used now, or a consumer failed. It is tried again. */
  error: { readonly source: string; readonly error: Error }
}

export interface ShardStatus {
  readonly shard: number
  readonly token: number
  readonly state: 'starting' | 'reading' | 'draining'
  /** The last one that was read. */
  readonly position: string | null
  readonly committed: string | null
  /** How long before it was read the last record had been appended, ms; null when none was read. */
  readonly delayMs: number | null
}

export interface SourceStatus {
  /** Of this process in the group; new for each start. */
  readonly member: string
  /** Of the group, as last heard, this process included. */
  readonly members: number
  /** Of the stream; 0 while it does not exist. */
  readonly shards: number
  /** What this process owns. */
  readonly owned: readonly ShardStatus[]
  readonly recordsRead: number
  /** Dropped by the stream's bound before anybody of this group had read them, as far as this process has seen. */
  readonly recordsLost: number
  /** Commits that were refused since another process owns the shard. */
  readonly fencedCommits: number
  /** False from when the lease of this process ran out until the server was heard again. */
  readonly isHeld: boolean
}
