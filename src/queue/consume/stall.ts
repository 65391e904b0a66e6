import { formatMs } from '../../core/duration.ts'
import type { Attempt } from './attempt.ts'

/** Less is a slow moment; from here on timeouts, cancels and leases of neighbours suffer. */
const STALL_MS = 1_000
/** How many jobs a report names. */
const MOST_NAMED = 5

/**
 * Tells, once it is over, that the event loop stood still, and which jobs can have blocked it: those that ran at
 * least for so long. A loop that never goes on again cannot tell anything.
 */
export class StallWatch {
  #ended: Attempt[] = []

  /** An attempt has ended. It can have blocked the loop when the next look is late already. */
  ended(attempt: Attempt, durationMs: number, sweep: { readonly lateMs: number }): void {
    if (durationMs < STALL_MS || sweep.lateMs < STALL_MS) return
    if (this.#ended.length < MOST_NAMED) this.#ended.push(attempt)
  }

  /**
   * @param lateMs by how much the look comes late: the loop was blocked for at least so long.
   * @returns what to say of it; undefined when it is nothing, or none of these jobs can be the cause.
   */
  look(lateMs: number, running: Iterable<Attempt>, now: number): string | undefined {
    const ended = this.#ended
    this.#ended = []
    if (lateMs < STALL_MS) return undefined
    const able = [...ended, ...[...running].filter(({ startedAt }) => now - startedAt >= lateMs)]
    if (able.length === 0) return undefined
    const named = able.slice(0, MOST_NAMED).map(({ claimed }) => `${claimed.id} (${claimed.type})`)
    return (
      `the event loop was blocked for at least ${formatMs(lateMs)}, or the process was stopped, while it ran ${named.join(', ')}; ` +
      'put an await between the parts of long work, or give it to another thread or process'
    )
  }
}
