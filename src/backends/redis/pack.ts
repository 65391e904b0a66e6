import type { NewJob } from '../../queue/job.ts'
import { KIND } from './text.ts'
import { Writer } from './writer.ts'

/** Bits of the flags of a record; below them the kind of its payload. */
export const FLAG = { expires: 128, dedupes: 64, codec: 32, extras: 16 } as const

/** What few jobs have, as JSON in their record. */
export interface Extras {
  readonly headers?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  readonly maxRetries?: number
  readonly key?: string
  readonly uniqueKey?: string
  readonly uniqueMs?: number
  readonly parent?: string
}

/** How a job is to be taken: at once, after a delay, at a time, or not at all, for its size. */
const MODE = { now: 0, delay: 1, at: 2, tooLarge: 4 } as const

/**
 * Jobs as lua/enqueue.ts reads them: lines, then for each job how and where it waits, its id, and its record but for
 * seq and time. One text for all of them costs the driver and the server less than an argument for each part.
 */
export function pack(jobs: readonly NewJob[], maxPayloadBytes: number): Buffer {
  const lines = new Map<string, number>()
  for (const { priority, type } of jobs) {
    const line = `${priority}:${type}`
    if (!lines.has(line)) lines.set(line, lines.size)
  }
  const writer = new Writer(64 * jobs.length + 1024)
  writer.uint16(lines.size)
  writer.uint16(jobs.length)
  for (const line of lines.keys()) writer.text16(line)
  let last: NewJob | undefined
  let place = 0
  for (const job of jobs) {
    if (last === undefined || job.type !== last.type || job.priority !== last.priority) {
      place = lines.get(`${job.priority}:${job.type}`)!
    }
    last = job
    packJob(writer, job, place, maxPayloadBytes)
  }
  return writer.done()
}

/** Its size in bytes, as UTF-8. */
export function payloadBytes({ payload }: NewJob): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength
}

function packJob(writer: Writer, job: NewJob, place: number, maxPayloadBytes: number): void {
  const { payload, expireMs, dedupeMs, codec, delayMs, runAt } = job
  const isTooLarge = payloadBytes(job) > maxPayloadBytes
  const time = runAt ?? (delayMs > 0 ? delayMs : null)
  const mode = isTooLarge ? MODE.tooLarge : time === null ? MODE.now : runAt === null ? MODE.delay : MODE.at
  writer.uint8(mode)
  // Lua counts from 1.
  writer.uint16(place + 1)
  writer.text16(job.id)
  const lengthAt = writer.skip(4)
  if (!isTooLarge) {
    const extras = extrasOf(job)
    const kind = typeof payload !== 'string' ? KIND.bytes : payload.isWellFormed() ? KIND.text : KIND.wtf8
    writer.uint8(
      kind |
        (expireMs === null ? 0 : FLAG.expires) |
        (dedupeMs === 0 ? 0 : FLAG.dedupes) |
        (codec === 'json' ? 0 : FLAG.codec) |
        (extras === undefined ? 0 : FLAG.extras),
    )
    writer.uint16(job.priority)
    writer.text16(job.type)
    if (expireMs !== null) writer.uint48(expireMs)
    if (dedupeMs !== 0) writer.uint48(dedupeMs)
    if (codec !== 'json') writer.text16(codec)
    if (extras !== undefined) writer.text32(JSON.stringify(extras))
    if (typeof payload === 'string' && kind === KIND.text) writer.text(payload)
    else writer.bytes(payload)
  }
  writer.lengthAt(lengthAt)
  if (mode === MODE.delay || mode === MODE.at) writer.double(time!)
}

function extrasOf(job: NewJob): Extras | undefined {
  const { headers, tags, maxRetries, key, uniqueKey, uniqueMs, parent } = job
  let hasHeaders = false
  for (const _ in headers) {
    hasHeaders = true
    break
  }
  const isPlain =
    !hasHeaders &&
    tags.length === 0 &&
    maxRetries === null &&
    key === null &&
    uniqueKey === null &&
    uniqueMs === null &&
    parent === null
  if (isPlain) return undefined
  return {
    ...(hasHeaders && { headers }),
    ...(tags.length > 0 && { tags }),
    ...(maxRetries !== null && { maxRetries }),
    ...(key !== null && { key }),
    ...(uniqueKey !== null && { uniqueKey }),
    ...(uniqueMs !== null && { uniqueMs }),
    ...(parent !== null && { parent }),
  }
}
