import type { Dispatcher } from './dispatcher.ts'
import { poisonError } from './lost-task.ts'
import type { Tally } from './tally.ts'
import type { Task } from './task.ts'

/** A task that took so many workers down with it is not tried again. */
const POISON = 2

/** Whether a task that failed is tried again. */
export class SecondTries {
  readonly #tally: Tally
  readonly #dispatcher: Dispatcher

  constructor(tally: Tally, dispatcher: Dispatcher) {
    this.#tally = tally
    this.#dispatcher = dispatcher
  }

  /** @returns true when the task has another try; otherwise it has failed with `error`. */
  grant(task: Task, error: Error): boolean {
    if (task.isComplete) return false
    if (task.attempt > task.settings.retries) {
      this.#tally.fail(task, error)
      return false
    }
    task.attempt++
    return true
  }

  /** It failed, and its worker is done with it. */
  failed(task: Task, error: Error): void {
    if (this.grant(task, error)) this.#dispatcher.waiting.putBack([task])
  }

  /** It is what its worker may have died of. */
  crashed(task: Task, error: Error): void {
    task.crashes++
    if (task.crashes >= POISON) this.#tally.fail(task, poisonError(task, error))
    else this.failed(task, error)
  }
}
