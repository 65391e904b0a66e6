import type { Arrival } from './arrival.ts'
import type { Intake } from './intake.ts'

/** How often the head is looked at within the time that it has. */
const LOOKS = 8

/**
 * Sees to it that no message holds up the acknowledgements of all later ones for ever. It looks at the oldest from
 * time to time instead of noting the time of each; so the limit is kept to an eighth of it.
 */
export class OverdueWatch {
  readonly #intake: Intake
  readonly #everyMs: number
  readonly #onOverdue: (topic: string, waiting: number) => void
  #timer: NodeJS.Timeout | undefined
  #oldest: Arrival | undefined
  #looks = 0

  constructor(intake: Intake, limitMs: number, onOverdue: (topic: string, waiting: number) => void) {
    this.#intake = intake
    this.#everyMs = Math.min(Math.max(1, limitMs / LOOKS), 2 ** 31 - 1)
    this.#onOverdue = onOverdue
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#oldest = undefined
  }

  #look(): void {
    const oldest = this.#intake.oldest
    if (oldest === undefined || oldest !== this.#oldest) {
      this.#oldest = oldest
      this.#looks = 0
      return
    }
    if (++this.#looks < LOOKS) return
    this.#oldest = undefined
    const waiting = this.#intake.behind
    this.#intake.disown(oldest)
    this.#onOverdue(oldest.packet.topic, waiting)
  }
}
