import type { ClaimedJob, Encoded, HistoryEntry, JobError, JobRecord, JobState } from '../../queue/job.ts'
import type { JobChange } from '../../queue/transition.ts'
import type { Claim } from './claims.ts'
import type { Line } from './line.ts'

/**
 * A job in memory: the fields of its record, assigned in place, and its links. Who holds it, by which token
 * and for how long is known by its `claim` alone, since all jobs of one claim share it.
 */
export class Entry {
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly seq: number
  readonly priority: number
  readonly maxRetries: number | null
  readonly dedupeMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly key: string | null
  readonly uniqueKey: string | null
  readonly uniqueUntil: number | null
  readonly parent: string | null
  readonly createdAt: number

  payload: Encoded
  codec: string
  state: JobState
  runAt: number | null
  expiresAt: number | null
  attempt: number
  crashes: number
  started: boolean
  heldSince: number | null
  pending: number
  result: Encoded | null
  progress: string | null
  error: JobError | null
  history: readonly HistoryEntry[]
  finishedAt: number | null
  keepUntil: number | null

  /** The jobs of its type, among which it waits. */
  readonly line: Line
  /** Size of the payload as it was stored. */
  readonly bytes: number
  claim: Claim | null = null
  previous: Entry | null = null
  next: Entry | null = null

  constructor(record: JobRecord, line: Line, bytes: number) {
    this.id = record.id
    this.queue = record.queue
    this.type = record.type
    this.seq = record.seq
    this.priority = record.priority
    this.maxRetries = record.maxRetries
    this.dedupeMs = record.dedupeMs
    this.headers = frozenHeaders(record.headers)
    this.tags = record.tags.length === 0 ? NO_TAGS : Object.freeze([...record.tags])
    this.key = record.key
    this.uniqueKey = record.uniqueKey
    this.uniqueUntil = record.uniqueUntil
    this.parent = record.parent
    this.createdAt = record.createdAt
    this.payload = copied(record.payload)
    this.codec = record.codec
    this.state = record.state
    this.runAt = record.runAt
    this.expiresAt = record.expiresAt
    this.attempt = record.attempt
    this.crashes = record.crashes
    this.started = record.started
    this.heldSince = record.heldSince
    this.pending = record.pending
    this.result = record.result
    this.progress = record.progress
    this.error = record.error
    this.history = record.history
    this.finishedAt = record.finishedAt
    this.keepUntil = record.keepUntil
    this.line = line
    this.bytes = bytes
  }

  /** Takes over what an event changed; owner, token and lease belong to the claim. */
  assign(change: JobChange): void {
    if (change.state !== undefined) this.state = change.state
    if (change.payload !== undefined) this.payload = change.payload
    if (change.codec !== undefined) this.codec = change.codec
    if (change.runAt !== undefined) this.runAt = change.runAt
    if (change.expiresAt !== undefined) this.expiresAt = change.expiresAt
    if (change.attempt !== undefined) this.attempt = change.attempt
    if (change.crashes !== undefined) this.crashes = change.crashes
    if (change.started !== undefined) this.started = change.started
    if (change.heldSince !== undefined) this.heldSince = change.heldSince
    if (change.result !== undefined) this.result = change.result === null ? null : copied(change.result)
    if (change.error !== undefined) this.error = change.error && Object.freeze({ ...change.error })
    if (change.history !== undefined) this.history = Object.freeze(change.history)
    if (change.finishedAt !== undefined) this.finishedAt = change.finishedAt
    if (change.keepUntil !== undefined) this.keepUntil = change.keepUntil
  }

  /** The record as it is now. Shares the payload's bytes. */
  record(): JobRecord {
    return {
      id: this.id,
      queue: this.queue,
      type: this.type,
      seq: this.seq,
      priority: this.priority,
      payload: this.payload,
      codec: this.codec,
      state: this.state,
      runAt: this.runAt,
      maxRetries: this.maxRetries,
      dedupeMs: this.dedupeMs,
      headers: this.headers,
      tags: this.tags,
      key: this.key,
      uniqueKey: this.uniqueKey,
      uniqueUntil: this.uniqueUntil,
      parent: this.parent,
      createdAt: this.createdAt,
      expiresAt: this.expiresAt,
      attempt: this.attempt,
      crashes: this.crashes,
      started: this.started,
      owner: this.claim === null ? null : this.claim.owner,
      token: this.claim === null ? null : this.claim.token,
      leaseUntil: this.claim === null ? null : this.claim.leaseUntil,
      heldSince: this.heldSince,
      pending: this.pending,
      result: this.result,
      progress: this.progress,
      error: this.error,
      history: this.history,
      finishedAt: this.finishedAt,
      keepUntil: this.keepUntil,
    }
  }

  /** The record for somebody outside, who may do with it what they like. */
  snapshot(): JobRecord {
    return {
      ...this.record(),
      payload: copied(this.payload),
      result: this.result === null ? null : copied(this.result),
    }
  }

  /** What the worker that claimed it gets to see. */
  claimed(token: string): ClaimedJob {
    return new Claimed(this, token)
  }
}

/**
 * A class, where a literal would do: as long as all that a literal has made is still in use, which is so while the first
 * jobs are under way, V8 takes what it makes for long-lived, and keeps it from the fast collection of garbage for good.
 */
class Claimed implements ClaimedJob {
  readonly id: ClaimedJob['id']
  readonly seq: ClaimedJob['seq']
  readonly type: ClaimedJob['type']
  readonly priority: ClaimedJob['priority']
  readonly payload: ClaimedJob['payload']
  readonly codec: ClaimedJob['codec']
  readonly attempt: ClaimedJob['attempt']
  readonly crashes: ClaimedJob['crashes']
  readonly maxRetries: ClaimedJob['maxRetries']
  readonly createdAt: ClaimedJob['createdAt']
  readonly expiresAt: ClaimedJob['expiresAt']
  readonly heldSince: ClaimedJob['heldSince']
  readonly headers: ClaimedJob['headers']
  readonly tags: ClaimedJob['tags']
  readonly key: ClaimedJob['key']
  readonly token: ClaimedJob['token']
  readonly started: ClaimedJob['started']

  constructor(entry: Entry, token: string) {
    this.id = entry.id
    this.seq = entry.seq
    this.type = entry.type
    this.priority = entry.priority
    this.payload = copied(entry.payload)
    this.codec = entry.codec
    this.attempt = entry.attempt
    this.crashes = entry.crashes
    this.maxRetries = entry.maxRetries
    this.createdAt = entry.createdAt
    this.expiresAt = entry.expiresAt
    this.heldSince = entry.heldSince
    this.headers = entry.headers
    this.tags = entry.tags
    this.key = entry.key
    this.token = token
    this.started = entry.started
  }
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})
const NO_TAGS: readonly string[] = Object.freeze([])

function frozenHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.keys(headers).length === 0 ? NO_HEADERS : Object.freeze({ ...headers })
}

/** Text cannot be changed by who holds it; bytes can. */
function copied(encoded: Encoded): Encoded {
  return typeof encoded === 'string' ? encoded : new Uint8Array(encoded)
}
