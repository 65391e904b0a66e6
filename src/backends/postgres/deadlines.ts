import { Crowd, type Member } from '../../core/crowd.ts'
import { after } from '../../core/timer.ts'

/** A look that comes later than that says more of this event loop than of the server. */
const LATE_MS = 250

/** What is to be over by a time. */
export interface Pending extends Member {
  /** By performance.now(). */
  at: number
  /** It was put off once since the event loop was blocked: the answer may have been there, and not read yet. */
  isPutOff: boolean
  readonly late: (error: Error) => void
}

/** One timer for all statements: a timer of the driver's for each keeps what it belongs to from being collected soon. */
export class Deadlines {
  readonly #pending = new Crowd<Pending>()
  #next = Infinity
  #cancel: () => void = () => {}

  /** @param late called after `ms`, unless `met` is called before that. */
  begin(ms: number, late: (error: Error) => void): Pending {
    const one = { place: -1, at: performance.now() + ms, isPutOff: false, late }
    this.#pending.add(one)
    this.#lookAt(one.at)
    return one
  }

  met(one: Pending): void {
    this.#pending.delete(one)
  }

  #lookAt(at: number): void {
    if (at >= this.#next) return
    this.#cancel()
    this.#next = at
    // What is asked keeps the process alive by its connection.
    this.#cancel = after(at - performance.now(), () => this.#look(), { ref: false })
  }

  #look(): void {
    const now = performance.now()
    const lateMs = now - this.#next
    this.#next = Infinity
    for (const one of this.#pending) {
      if (lateMs > LATE_MS && !one.isPutOff) {
        one.isPutOff = true
        one.at = Math.max(one.at, now + LATE_MS)
      }
      // Timers round down.
      if (one.at > now + 1) {
        this.#lookAt(one.at)
        continue
      }
      this.#pending.delete(one)
      one.late(new Error('the statement was not answered in time'))
    }
  }
}
