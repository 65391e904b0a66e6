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
    this.completed++
    try {
      task.complete(value)
    } finally {
      this.forget()
    }
  }

  fail(task: Task, error: Error, outcome: 'failed' | 'cancelled' = 'failed'): void {
    if (task.isComplete) return
    this[outcome]++
    try {
      task.fail(error, outcome)
    } finally {
      this.forget()
    }
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

  /** One that was open is not any more. */
  forget(): void {
    this.open--
    if (this.open === 0) this.changed()
  }
}
