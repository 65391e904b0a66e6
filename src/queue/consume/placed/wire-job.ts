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

/** @param usualCodec the name of the codec of the queue. */
export function jobToWire(job: ClaimedJob, usualCodec: string): WireJob {
  const { id, seq, type, codec, payload, token, attempt, maxRetries, priority, createdAt, headers, tags } =
    job
  const wire: WireJob = [id, seq, type, payload, token, attempt, priority, createdAt]
  const isUsual = codec === usualCodec && maxRetries === null && tags.length === 0
  if (!isUsual || hasKeys(headers)) {
    // Copies, since jobs may have them in common, and what has objects in common does not travel together.
    wire.push({ codec, maxRetries, headers: { ...headers }, tags: [...tags] })
  }
  return wire
}

/** What a handler needs of a claimed job. */
export type HandledJob = Pick<
  ClaimedJob,
  | 'id'
  | 'seq'
  | 'type'
  | 'codec'
  | 'payload'
  | 'token'
  | 'attempt'
  | 'maxRetries'
  | 'priority'
  | 'createdAt'
  | 'headers'
  | 'tags'
>

export function jobFromWire(wire: WireJob, usualCodec: string): HandledJob {
  const [id, seq, type, payload, token, attempt, priority, createdAt, rest] = wire
  const usual = { codec: usualCodec, maxRetries: null, headers: {}, tags: [] }
  return { id, seq, type, payload, token, attempt, priority, createdAt, ...(rest ?? usual) }
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
