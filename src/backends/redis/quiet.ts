import type { ClaimRequest, ClaimResult, QueueStats } from '../../queue/backend.ts'

interface Silence {
  /** How often the queue had woken anybody. While that is so, what is noted here is so. */
  readonly wakes: string
  /** What claims were told that found nothing, by what they asked for. */
  readonly nothing: Map<string, ClaimResult>
  /** The queue, when it held no job of any kind. */
  empty: QueueStats | undefined
  /** When upkeep was last done there, monotonic ms. */
  maintainedAt: number
}

/** Of a lease. Upkeep of an empty queue is done so often all the same, for it says which types are handled. */
const UPKEEP = 0.6

/**
 * What is known of queues where nothing happens. Whatever gives a worker something to do wakes the queue and is
 * counted there; so to ask for that number is to ask whether the last answer still holds, at the price of one
 * small command in place of a script of many.
 */
export class Quiet {
  readonly #silences = new Map<string, Silence>()
  readonly #isTimeReal: boolean

  /** @param isTimeReal the store's time passes as that of this process does. */
  constructor(isTimeReal: boolean) {
    this.#isTimeReal = isTimeReal
  }

  /** Whether there is anything to ask the number of wakes for. */
  claim(request: ClaimRequest): { wakes: string; result: ClaimResult } | undefined {
    if (request.limit <= 0) return undefined
    const silence = this.#silences.get(request.queue)
    const result = silence?.nothing.get(asked(request))
    return silence === undefined || result === undefined ? undefined : { wakes: silence.wakes, result }
  }

  noteClaim(request: ClaimRequest, result: ClaimResult, wakes: string): void {
    if (request.limit <= 0) return
    if (result.jobs.length > 0 || result.suspectWaiting || result.nextDueMs !== null) {
      this.#silences.delete(request.queue)
      return
    }
    const { nothing } = this.#at(request.queue, wakes)
    // Few ways to ask, but types may be anything.
    if (nothing.size > 100) nothing.clear()
    nothing.set(asked(request), result)
  }

  empty(queue: string): { wakes: string; stats: QueueStats } | undefined {
    const silence = this.#silences.get(queue)
    return silence?.empty === undefined ? undefined : { wakes: silence.wakes, stats: silence.empty }
  }

  noteStats(stats: QueueStats, wakes: string): void {
    const isEmpty = Object.values(stats.counts).every((count) => count === 0)
    if (isEmpty) this.#at(stats.queue, wakes).empty = stats
    else this.#silences.delete(stats.queue)
  }

  /** The number of wakes by which upkeep of an empty queue may be left out. */
  needsNoUpkeep(queue: string, leaseMs: number): string | undefined {
    const silence = this.#silences.get(queue)
    if (silence?.empty === undefined || !this.#isTimeReal) return undefined
    return performance.now() - silence.maintainedAt < leaseMs * UPKEEP ? silence.wakes : undefined
  }

  noteUpkeep(queue: string): void {
    const silence = this.#silences.get(queue)
    if (silence !== undefined) silence.maintainedAt = performance.now()
  }

  #at(queue: string, wakes: string): Silence {
    let silence = this.#silences.get(queue)
    if (silence?.wakes !== wakes) {
      silence = { wakes, nothing: new Map(), empty: undefined, maintainedAt: -Infinity }
      if (this.#silences.size > 1000) this.#silences.clear()
      this.#silences.set(queue, silence)
    }
    return silence
  }
}

function asked({ types, suspects }: ClaimRequest): string {
  return `${suspects} ${JSON.stringify(types)}`
}
