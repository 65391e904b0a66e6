/** Reads what the scripts answer. */
import type { ClaimResult, EnqueueResult, FollowUps, SettleResult, Settlement } from '../../queue/backend.ts'
import type { ClaimedJob, NewJob } from '../../queue/job.ts'
import { payloadBytes } from './pack.ts'
import { type Changes, claimedOf, UNCHANGED } from './record.ts'

const OK: SettleResult = Object.freeze({ status: 'ok', followUps: Object.freeze([]) })
const STALE: SettleResult = Object.freeze({ status: 'stale' })

/** @param numbers one for each job, as lua/enqueue.ts gives them. */
export function enqueued(
  queue: string,
  jobs: readonly NewJob[],
  numbers: readonly number[],
  limits: {
    readonly maxPayloadBytes: number
    readonly maxLength: number | null
    readonly unfinished: number
  },
): EnqueueResult[] {
  const { maxPayloadBytes, maxLength, unfinished } = limits
  return jobs.map((job, at) => {
    const { id } = job
    const seq = numbers[at]!
    if (seq > 0) return { status: 'added', id, seq }
    if (seq < 0) return { status: 'duplicate', id, seq: -seq }
    const bytes = payloadBytes(job)
    if (bytes > maxPayloadBytes) {
      const reason = `expected the payload to have at most ${maxPayloadBytes} bytes, got: ${bytes}`
      return { status: 'rejected', id, code: 'PAYLOAD_TOO_LARGE', reason }
    }
    const reason = `expected the queue "${queue}" to hold fewer than ${maxLength} unfinished jobs, got: ${unfinished}`
    return { status: 'rejected', id, code: 'QUEUE_FULL', reason }
  })
}

/**
 * @param statuses a 1 or 0 for each settlement.
 * @param numbers of the follow-ups of all that were settled.
 */
export function settled(
  settlements: readonly Settlement[],
  statuses: Buffer,
  numbers: readonly number[],
  maxPayloadBytes: number,
): SettleResult[] {
  let read = 0
  const follow = ({ queue, jobs }: FollowUps): EnqueueResult[] => {
    const these = numbers.slice(read, (read += jobs.length))
    return enqueued(queue, jobs, these, { maxPayloadBytes, maxLength: null, unfinished: 0 })
  }
  return settlements.map(({ followUps }, at) => {
    if (statuses[at] !== ONE) return STALE
    if (followUps === undefined || followUps.length === 0) return OK
    return { status: 'ok', followUps: followUps.flatMap(follow) }
  })
}

const ONE = 49

type ClaimReply = readonly [
  paused: Buffer,
  control: Buffer,
  suspectWaiting: Buffer,
  nextDueMs: Buffer,
  started: Buffer,
  entries: readonly Buffer[],
  records: readonly Buffer[],
  changes: readonly Buffer[],
  wakes: Buffer,
]

export function claimed(reply: unknown, token: string): ClaimResult {
  const [paused, control, suspectWaiting, nextDueMs, started, entries, records, changed] = reply as ClaimReply
  const jobs: ClaimedJob[] = []
  let nextChange = 0
  let changedAt = changed.length > 0 ? Number(changed[0]) - 1 : -1
  for (let at = 0; at < entries.length; at++) {
    let changes: Changes = UNCHANGED
    if (at === changedAt) {
      const [, attempt, crashes, held, never] = changed.slice(nextChange, nextChange + 5)
      changes = {
        attempt: Number(attempt),
        crashes: Number(crashes),
        heldSince: held!.length === 0 ? null : Number(held),
        neverExpires: String(never) === '1',
      }
      nextChange += 5
      changedAt = nextChange < changed.length ? Number(changed[nextChange]) - 1 : -1
    }
    jobs.push(claimedOf(entries[at]!, records[at]!, changes, token, started[at] === ONE))
  }
  return {
    jobs,
    suspectWaiting: suspectWaiting[0] === ONE,
    nextDueMs: nextDueMs.length === 0 ? null : Number(nextDueMs),
    paused: paused[0] === ONE,
    control: Number(control),
  }
}

/** How often the queue had woken anybody when it gave this answer. */
export function wakesOf(reply: unknown): string {
  return String((reply as Buffer[]).at(-1))
}
