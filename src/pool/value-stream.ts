import { Deque } from './deque.ts'
import { cancelledError } from './lost-task.ts'
import { STREAM_AHEAD } from './protocol.ts'
import type { Task } from './task.ts'

/** The worker hears of so many values that were read at a time. */
const CREDIT = STREAM_AHEAD / 2
const OVER: IteratorResult<unknown> = { done: true, value: undefined }

/** The values of a generator that runs elsewhere, as they are read. */
export class ValueStream implements AsyncIterableIterator<unknown> {
  readonly #task: Task
  readonly #values = new Deque<{ readonly value: unknown }>()
  readonly #readers = new Deque<() => void>()
  #read = 0
  #end: IteratorResult<unknown> | Error | undefined

  constructor(task: Task) {
    this.#task = task
    task.onYield = (value) => {
      if (this.#end !== undefined) return
      this.#values.push({ value })
      this.#readers.shift()?.()
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
        this.#wasRead()
        return { done: false, value: first.value }
      }
      const end = this.#end
      if (end !== undefined) {
        // What ended it is told once, as by a generator.
        this.#end = OVER
        if (end instanceof Error) throw end
        return end
      }
      await new Promise<void>((resolve) => this.#readers.push(resolve))
    }
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.#values.reject(() => true)
    this.#finish(OVER)
    this.#end = OVER
    this.#task.cancel(cancelledError(`the stream of ${this.#task.name}`, undefined))
    return Promise.resolve({ done: true, value })
  }

  #wasRead(): void {
    const { member, number } = this.#task
    if (++this.#read % CREDIT === 0) member?.line.post({ kind: 'more', number, count: CREDIT })
  }

  #finish(end: IteratorResult<unknown> | Error): void {
    this.#end ??= end
    while (this.#readers.size > 0) this.#readers.shift()!()
  }
}
