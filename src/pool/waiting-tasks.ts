import { Lanes } from './lanes.ts'
import type { Task } from './task.ts'

/** What waits for a worker. Suspects, which must have one to themselves, wait apart: nobody waits behind them. */
export class WaitingTasks {
  readonly suspects: Lanes<Task> = new Lanes()
  readonly #others = new Lanes<Task>()

  get size(): number {
    return this.#others.size + this.suspects.size
  }

  /** How many may share a worker. */
  get shareable(): number {
    return this.#others.size
  }

  /** Since when one has waited, on the clock of `performance.now()`; undefined when none waits. */
  get since(): number | undefined {
    const [suspect, other] = [this.suspects.peek(), this.#others.peek()]
    if (suspect === undefined) return other?.queuedAt
    return other === undefined ? suspect.queuedAt : Math.min(suspect.queuedAt, other.queuedAt)
  }

  push(task: Task): void {
    this.#of(task).push(task)
  }

  /** Back to where they came from, in the order in which they were added. */
  putBack(tasks: readonly Task[]): void {
    const suspects = tasks.filter(({ isSuspect }) => isSuspect)
    if (suspects.length > 0) this.suspects.putBack(suspects)
    this.#others.putBack(suspects.length > 0 ? tasks.filter(({ isSuspect }) => !isSuspect) : tasks)
  }

  /** The most urgent one that is no suspect; it stays. */
  peek(): Task | undefined {
    return this.#others.peek()
  }

  shift(): Task | undefined {
    return this.#others.shift()
  }

  /** @returns false when it was not in. */
  drop(task: Task): boolean {
    return this.#of(task).drop(task)
  }

  /** Takes out what passes the test. */
  reject(isRejected: (task: Task) => boolean): Task[] {
    return [...this.suspects.reject(isRejected), ...this.#others.reject(isRejected)]
  }

  #of(task: Task): Lanes<Task> {
    return task.isSuspect ? this.suspects : this.#others
  }
}
