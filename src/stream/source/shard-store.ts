import type { SourceRecord } from './source.ts'

/**
 * What a server must be able to do so that a `LeasedSource` can share a stream's shards among processes. Its own
 * clock decides about leases. Each call is atomic, and may be made again when its reply was lost.
 */
export interface ShardStore {
  /**
   * Tells that a member is there and renews the leases that it has.
   * @throws BackendError; not `retryable` when no further try can succeed.
   */
  beat(member: string): Promise<GroupView>
  /** Takes shards that are free: without a lease, with one that ran out, or with one of the member's own. */
  claim(member: string, shards: readonly number[]): Promise<readonly Claim[]>
  /** Commits and ends leases. Those that are not the member's any more are left alone. */
  release(member: string, releases: readonly Release[]): Promise<void>
  /** Ends all leases of a member, and its membership. */
  leave(member: string): Promise<void>
  /** For each, whether the member still owns the shard by that token: only then it was committed. */
  commit(member: string, commits: readonly Commit[]): Promise<readonly boolean[]>
  /** The records after `after`, at most `limit`; null reads from the oldest. */
  read(shard: number, after: string | null, limit: number): Promise<ReadResult>
  /** Which shards are of interest to `onRecords`. */
  watch(shard: number): void
  unwatch(shard: number): void
  close(): void
}

/** Hints, which may get lost or come for nothing. */
export interface ShardHints {
  /** Members or owners have changed. */
  readonly onChange: () => void
  /** A shard that is watched has new records. */
  readonly onRecords: (shard: number) => void
}

export interface GroupView {
  /** Of the stream; 0 when it does not exist yet. */
  readonly shards: number
  /** Who is there, the asking one included. */
  readonly members: readonly string[]
  /** The leases that hold, of whomever. */
  readonly leases: ReadonlyMap<number, Lease>
}

export interface Lease {
  readonly owner: string
  readonly token: number
}

export interface Claim {
  readonly shard: number
  readonly token: number
  /** What was committed last. */
  readonly offset: string | null
}

export interface Commit {
  readonly shard: number
  readonly token: number
  readonly offset: string
}

export interface Release {
  readonly shard: number
  readonly token: number
  /** To be committed with it. */
  readonly offset: string | null
}

export interface ReadResult {
  readonly records: readonly SourceRecord[]
  /** How many between `after` and the first of these were dropped by the stream's bound. */
  readonly lost: number
}
