import type { FinishedAttempt } from '../../core/telemetry.ts'
import type { Outcome, ProgressUpdate, Settlement } from '../backend.ts'
import type { JobRef } from '../job.ts'
import type { Attempt } from './attempt.ts'

/** The most outcomes of one trip. */
export const MOST_OUTCOMES = 1000

/** Outcomes that the store has not heard of yet, in the order in which they came. */
export class Settler {
  #settlements: Settlement[] = []
  #finished: FinishedAttempt[] = []
  readonly #progress = new Set<Attempt>()

  /** How many outcomes wait. */
  get size(): number {
    return this.#settlements.length
  }

  get hasProgress(): boolean {
    return this.#progress.size > 0
  }

  add(attempt: Attempt, outcome: Outcome): void {
    this.#progress.delete(attempt)
    const { ref } = attempt
    // Follow-ups belong to success alone.
    const followUps = outcome.kind === 'done' && attempt.hasFollowUps ? attempt.followUps : undefined
    this.#settlements.push(followUps === undefined ? { ref, outcome } : { ref, outcome, followUps })
  }

  /** Hands back a job whose handler never began. */
  release(ref: JobRef): void {
    this.#settlements.push({ ref, outcome: { kind: 'release' } })
  }

  note(finished: FinishedAttempt): void {
    this.#finished.push(finished)
  }

  progressed(attempt: Attempt): void {
    this.#progress.add(attempt)
  }

  /** Takes up to `limit` outcomes out, oldest first. */
  take(limit: number): Settlement[] {
    if (this.#settlements.length <= limit) {
      const all = this.#settlements
      this.#settlements = []
      return all
    }
    return this.#settlements.splice(0, limit)
  }

  /** Puts outcomes back, in front: the store did not take them. */
  putBack(settlements: readonly Settlement[]): void {
    if (settlements.length > 0) this.#settlements = [...settlements, ...this.#settlements]
  }

  /** The attempts that ended since the last call. */
  takeFinished(): FinishedAttempt[] {
    const finished = this.#finished
    this.#finished = []
    return finished
  }

  takeProgress(): ProgressUpdate[] {
    const updates = [...this.#progress].map(({ ref, progressText }) => ({ ref, progress: progressText! }))
    this.#progress.clear()
    return updates
  }
}
