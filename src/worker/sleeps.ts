import { toMs, type Duration } from '../core/duration.ts'
import { StateError } from '../core/errors.ts'
import { sleep } from '../core/sleep.ts'

/** So many sleeps at once are a loop that forgot to await them, and would never let anything else run. */
const MAX_SLEEPS = 10_000

/** The sleeps of one worker, with a limit that turns a loop without `await` into an error. */
export class Sleeps {
  readonly #worker: string
  #count = 0

  /** @param worker its name, for the error. */
  constructor(worker: string) {
    this.#worker = worker
  }

  /** @returns false when `signal` cut it short. @throws StateError at 10,000 at a time. */
  begin(duration: Duration, signal: AbortSignal): Promise<boolean> {
    const ms = toMs(duration, 'duration')
    // Thrown, not a rejection: a loop that awaits nothing would never see that.
    if (this.#count >= MAX_SLEEPS) {
      throw new StateError(
        `worker ${this.#worker} sleeps ${MAX_SLEEPS} times at once; await this.sleep(...) in its loops`,
      )
    }
    this.#count++
    return sleep(ms, signal).finally(() => this.#count--)
  }
}
