import { MillhandError } from '../core/errors.ts'
import { Deque } from './deque.ts'
import type { Task } from './task.ts'

/** The values of a generator that runs elsewhere, as they are read. */
export class ValueStream implements AsyncIterableIterator<unknown> {
  readonly #task: Task
  readonly #values = new Deque<{ readonly value: unknown }>()
  #wake: (() => void) | undefined
  #end: IteratorResult<unknown> | Error | undefined

  constructor(task: Task) {
    this.#task = task
    task.onYield = (value) => {
      this.#values.push({ value })
      this.#wake?.()
    }
    task.result.then(
      (value) => this.#finish({ done: true, value }),
      (error: Error) => this.#finish(error),
    )
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<unknown>> {
    for (;;) {
      const first = this.#values.shift()
      if (first !== undefined) {
        this.#task.member?.line.post({ kind: 'more', number: this.#task.number, count: 1 })
        return { done: false, value: first.value }
      }
      if (this.#end instanceof Error) throw this.#end
      if (this.#end !== undefined) return this.#end
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#task.cancel(
      new MillhandError('TASK_CANCELLED', `nobody reads the stream of ${this.#task.name} any more`),
    )
    this.#finish({ done: true, value })
    return Promise.resolve({ done: true, value })
  }

  #finish(end: IteratorResult<unknown> | Error): void {
    this.#end ??= end
    this.#wake?.()
  }
}
