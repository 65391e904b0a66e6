import type { Task } from './task.ts'

/** How many tasks are open, what became of the others, and who waits for that to change. */
export class Tally {
  /** Taken and not settled. */
  open = 0
  completed = 0
  failed = 0
  cancelled = 0
  /** Calls of `until` that wait. */
  waiters = 0
  #change = Promise.withResolvers<void>()

  complete(task: Task, value: unknown): void {
    if (task.isComplete) return
    task.complete(value)
    this.completed++
    this.#close()
  }

  fail(task: Task, error: Error, outcome: 'failed' | 'cancelled' = 'failed'): void {
    if (task.isComplete) return
    task.fail(error, outcome)
    this[outcome]++
    this.#close()
  }

  /** Lets those who wait look again. */
  changed(): void {
    if (this.waiters === 0) return
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  /** Resolves when `isTrue` holds, as soon as something changes. Rejects with what it throws. */
  async until(isTrue: () => boolean): Promise<void> {
    this.waiters++
    try {
      while (!isTrue()) await this.#change.promise
    } finally {
      this.waiters--
    }
  }

  #close(): void {
    this.open--
    if (this.open === 0) this.changed()
  }
}
