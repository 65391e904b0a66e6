import type { ClaimedJob } from '../../job.ts'
import type { FollowUps } from '../../backend.ts'
import type { Later } from '../handler.ts'
import type { LogLine } from '../../../worker/placement/protocol.ts'

/** A claimed job as it travels to the thread or process of its handler: words in a row, since objects cost more. */
export type WireJob = [
  id: string,
  seq: number,
  type: string,
  payload: ClaimedJob['payload'],
  token: string,
  attempt: number,
  priority: number,
  createdAt: number,
  /** Only of a job that is not like most. */
  rest?: Pick<ClaimedJob, 'codec' | 'maxRetries' | 'headers' | 'tags'>,
]

/**
 * Copied and filled, where a literal would do: V8 takes what a literal makes for long-lived when all of it is still in use
 * at first, as jobs are, and keeps it from the fast collection of garbage for good.
 */
const BLANK: unknown[] = Array.from({ length: 8 })

/** @param usualCodec the name of the codec of the queue. */
export function jobToWire(job: ClaimedJob, usualCodec: string): WireJob {
  const { id, seq, type, codec, payload, token, attempt, maxRetries, priority, createdAt, headers, tags } =
    job
  const wire = BLANK.slice() as WireJob
  wire[0] = id
  wire[1] = seq
  wire[2] = type
  wire[3] = payload
  wire[4] = token
  wire[5] = attempt
  wire[6] = priority
  wire[7] = createdAt
  const isUsual = codec === usualCodec && maxRetries === null && tags.length === 0
  if (!isUsual || hasKeys(headers)) {
    // Copies, since jobs may have them in common, and what has objects in common does not travel together.
    wire.push({ codec, maxRetries, headers: { ...headers }, tags: [...tags] })
  }
  return wire
}

const NO_HEADERS: ClaimedJob['headers'] = Object.freeze({})
const NO_TAGS: ClaimedJob['tags'] = Object.freeze([])

/** What a handler needs of a claimed job. A class, for the same reason. */
export class HandledJob {
  readonly id: string
  readonly seq: number
  readonly type: string
  readonly codec: string
  readonly payload: ClaimedJob['payload']
  readonly token: string
  readonly attempt: number
  readonly maxRetries: number | null
  readonly priority: number
  readonly createdAt: number
  readonly headers: ClaimedJob['headers']
  readonly tags: ClaimedJob['tags']

  constructor(
    [id, seq, type, payload, token, attempt, priority, createdAt, rest]: WireJob,
    usualCodec: string,
  ) {
    this.id = id
    this.seq = seq
    this.type = type
    this.codec = rest?.codec ?? usualCodec
    this.payload = payload
    this.token = token
    this.attempt = attempt
    this.maxRetries = rest?.maxRetries ?? null
    this.priority = priority
    this.createdAt = createdAt
    this.headers = rest?.headers ?? NO_HEADERS
    this.tags = rest?.tags ?? NO_TAGS
  }
}

function hasKeys(value: object): boolean {
  for (const _key in value) return true
  return false
}

/** What came of it, when that is more than nothing. */
export interface WireOutcome {
  readonly result?: unknown
  readonly later?: Later['again']
  readonly followUps?: readonly FollowUps[]
  /** The worker does not understand the job. */
  readonly unread?: unknown
}

/** What a handler says while it runs. */
export type WireNote =
  | { readonly kind: 'progress'; readonly value: unknown }
  /** It completed its job in a transaction of its own. */
  | { readonly kind: 'completed' }
  | LogLine

/** With what a thread or process of handlers is set up. */
export interface HandlerData {
  readonly placement: 'thread' | 'process'
  readonly module: string
  readonly queue: string
  readonly worker: string
  readonly types: readonly string[]
  readonly keepsResults: boolean
  readonly isDebug: boolean
}
