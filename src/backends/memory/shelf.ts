import type { QueueStats } from '../../queue/backend.ts'
import type { JobRecord, JobState, NewJob } from '../../queue/job.ts'
import { created, type JobEvent, transition } from '../../queue/transition.ts'
import type { Claim, Claims } from './claims.ts'
import { Entry } from './entry.ts'
import { Heap } from './heap.ts'
import { Line } from './line.ts'

/** An entry and the time at which something is to be done with it; out of date when the entry says otherwise. */
interface Timed {
  readonly at: number
  readonly entry: Entry
}

/** One queue: its jobs and the indexes by which they are found. */
export class Shelf {
  readonly queue: string
  /** In ascending `seq`, for an id is never put back into its old place. */
  readonly entries: Map<string, Entry> = new Map()
  readonly lines: Map<string, Line> = new Map()
  /** The claims that still hold something. */
  readonly claims: Set<Claim> = new Set()
  readonly counts: Record<JobState, number> = {
    waiting: 0,
    delayed: 0,
    blocked: 0,
    active: 0,
    done: 0,
    dead: 0,
    cancelled: 0,
  }
  paused = false
  control = 0
  /** When upkeep last ran and until when it reaps nothing, by the lease clock. */
  maintainedAt: number | null = null
  graceUntil: number = -Infinity

  #seq = 0
  readonly #held: Claims
  readonly #delayed = new Heap<Timed>((a, b) => (a.at === b.at ? a.entry.seq < b.entry.seq : a.at < b.at))
  readonly #expiring = new Heap<Timed>((a, b) => a.at < b.at)
  readonly #kept = new Heap<Timed>((a, b) => a.at < b.at)

  constructor(queue: string, held: Claims) {
    this.queue = queue
    this.#held = held
  }

  get unfinished(): number {
    const { waiting, delayed, blocked, active } = this.counts
    return waiting + delayed + blocked + active
  }

  line(type: string): Line {
    let line = this.lines.get(type)
    if (line === undefined) this.lines.set(type, (line = new Line(type)))
    return line
  }

  add(job: NewJob, bytes: number, now: number): Entry {
    const entry = new Entry(created(this.queue, job, ++this.#seq, now), this.line(job.type), bytes)
    this.entries.set(entry.id, entry)
    this.#place(entry)
    return entry
  }

  /** Lets `event` happen to a job that it can happen to; false when it cannot. Starts and claims have their own way. */
  apply(entry: Entry, event: Exclude<JobEvent, { kind: 'claim' | 'start' }>, now: number): boolean {
    const change = transition(entry.record(), event, now)
    if (change === undefined) return false
    if (change.removed) {
      this.remove(entry)
      return true
    }
    this.#displace(entry)
    entry.assign(change)
    this.#place(entry)
    return true
  }

  /** The claim event, without its copies. The entry was taken off its line already. */
  take(entry: Entry, claim: Claim, started: boolean): void {
    this.counts.waiting--
    this.counts.active++
    entry.line.waiting--
    if (entry.crashes > 0) entry.line.suspects--
    entry.state = 'active'
    entry.started = started
    claim.add(entry)
  }

  remove(entry: Entry): void {
    this.#displace(entry)
    this.entries.delete(entry.id)
    // Places that are left in the indexes are out of date by this.
    entry.state = 'done'
    entry.keepUntil = null
  }

  /** Promotes what is due, `limit` at the most. */
  promote(now: number, limit: number): number {
    let count = 0
    for (; count < limit; count++) {
      const next = this.nextDelayed()
      if (next === undefined || next.at > now) break
      this.#delayed.pop()
      this.apply(next.entry, { kind: 'due' }, now)
    }
    return count
  }

  nextDelayed(): Timed | undefined {
    return current(this.#delayed, isDelayed)
  }

  /** Dead-letters what was not started in time. */
  expire(now: number, limit: number): number {
    let count = 0
    for (; count < limit; count++) {
      const next = current(this.#expiring, isExpiring)
      if (next === undefined || next.at > now) break
      this.#expiring.pop()
      this.apply(next.entry, { kind: 'expire' }, now)
    }
    return count
  }

  /** Removes what was kept for long enough. */
  sweep(now: number, limit: number): number {
    let count = 0
    for (; count < limit; count++) {
      const next = current(this.#kept, isKept)
      if (next === undefined || next.at > now) break
      this.#kept.pop()
      this.remove(next.entry)
    }
    return count
  }

  /** When upkeep has something to do with a job that nobody runs; Infinity when with none. */
  get nextDue(): number {
    const expiring = current(this.#expiring, isExpiring)
    const kept = current(this.#kept, isKept)
    return Math.min(this.nextDelayed()?.at ?? Infinity, expiring?.at ?? Infinity, kept?.at ?? Infinity)
  }

  get(id: string): JobRecord | undefined {
    return this.entries.get(id)?.snapshot()
  }

  stats(now: number): QueueStats {
    let oldest: Entry | undefined
    for (const line of this.lines.values()) {
      const entry = line.oldest()
      if (entry !== undefined && (oldest === undefined || entry.seq < oldest.seq)) oldest = entry
    }
    return {
      queue: this.queue,
      counts: { ...this.counts },
      paused: this.paused,
      oldestWaitingMs: oldest === undefined ? 0 : Math.max(0, now - oldest.createdAt),
    }
  }

  #place(entry: Entry): void {
    this.counts[entry.state]++
    if (entry.state === 'waiting') {
      entry.line.waiting++
      if (entry.crashes > 0) entry.line.suspects++
      entry.line.push(entry)
    } else if (entry.state === 'delayed') {
      note(this.#delayed, entry.runAt, entry, isDelayed, this.counts.delayed)
    } else {
      note(this.#kept, entry.keepUntil, entry, isKept, this.entries.size)
      return
    }
    note(this.#expiring, entry.expiresAt, entry, isExpiring, this.entries.size)
  }

  #displace(entry: Entry): void {
    if (entry.state === 'active') {
      this.counts.active--
      this.#held.free(entry)
      return
    }
    this.counts[entry.state]--
    if (entry.state === 'waiting') {
      entry.line.waiting--
      if (entry.crashes > 0) entry.line.suspects--
    }
  }
}

function note(
  heap: Heap<Timed>,
  at: number | null,
  entry: Entry,
  valid: (timed: Timed) => boolean,
  live: number,
): void {
  if (at === null) return
  // What left early must not be held until its time comes.
  if (heap.size > 2 * live + 1024) heap.keep(valid)
  heap.push({ at, entry })
}

function current(heap: Heap<Timed>, valid: (timed: Timed) => boolean): Timed | undefined {
  for (;;) {
    const first = heap.peek()
    if (first === undefined || valid(first)) return first
    heap.pop()
  }
}

const isDelayed = ({ at, entry }: Timed): boolean => entry.state === 'delayed' && entry.runAt === at

const isExpiring = ({ at, entry }: Timed): boolean =>
  entry.expiresAt === at && (entry.state === 'waiting' || entry.state === 'delayed')

const isKept = ({ at, entry }: Timed): boolean => entry.keepUntil === at && entry.finishedAt !== null
