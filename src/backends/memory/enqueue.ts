import type { EnqueueResult } from '../../queue/backend.ts'
import type { Encoded, NewJob } from '../../queue/job.ts'
import type { Shelf } from './shelf.ts'

/** Stores what can be stored; each job has its own answer. */
export function enqueue(
  shelf: Shelf,
  jobs: readonly NewJob[],
  limits: { readonly maxLength: number; readonly maxPayloadBytes: number },
  now: number,
): EnqueueResult[] {
  const { maxLength, maxPayloadBytes } = limits
  return jobs.map((job) => {
    const { id } = job
    const known = shelf.entries.get(id)
    if (known !== undefined) return { status: 'duplicate', id, seq: known.seq }
    const bytes = sizeOf(job.payload)
    if (bytes > maxPayloadBytes) {
      const reason = `expected the payload to have at most ${maxPayloadBytes} bytes, got: ${bytes}`
      return { status: 'rejected', id, code: 'PAYLOAD_TOO_LARGE', reason }
    }
    if (shelf.unfinished >= maxLength) {
      const reason = `expected the queue "${shelf.queue}" to hold fewer than ${maxLength} unfinished jobs, got: ${shelf.unfinished}`
      return { status: 'rejected', id, code: 'QUEUE_FULL', reason }
    }
    return { status: 'added', id, seq: shelf.add(job, bytes, now).seq }
  })
}

function sizeOf(payload: Encoded): number {
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength
}
