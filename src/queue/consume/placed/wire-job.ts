import type { ClaimedJob } from '../../job.ts'
import type { FollowUps } from '../../backend.ts'
import type { Later } from '../handler.ts'
import type { LogLine } from '../../../worker/placement/protocol.ts'

/**
 * A claimed job as it travels to the thread or process of its handler: words in a row, since objects cost more. The
 * last three are left out when there is nothing in them.
 */
export type WireJob = [
  id: string,
  type: string,
  codec: string,
  payload: ClaimedJob['payload'],
  token: string,
  attempt: number,
  maxRetries: number | null,
  priority: number,
  createdAt: number,
  headers?: Readonly<Record<string, string>> | undefined,
  tags?: readonly string[] | undefined,
]

export function jobToWire(job: ClaimedJob): WireJob {
  const { id, type, codec, payload, token, attempt, maxRetries, priority, createdAt, headers, tags } = job
  const wire: WireJob = [id, type, codec, payload, token, attempt, maxRetries, priority, createdAt]
  const hasTags = tags.length > 0
  if (hasTags || hasKeys(headers)) wire.push(headers)
  if (hasTags) wire.push(tags)
  return wire
}

/** What a handler needs of a claimed job. */
export type HandledJob = Pick<
  ClaimedJob,
  | 'id'
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

export function jobFromWire(wire: WireJob): HandledJob {
  const [id, type, codec, payload, token, attempt, maxRetries, priority, createdAt, headers = {}, tags = []] =
    wire
  return { id, type, codec, payload, token, attempt, maxRetries, priority, createdAt, headers, tags }
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
export type WireNote = { readonly kind: 'progress'; readonly value: unknown } | LogLine

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
