import { errorFromWire, errorToWire } from '../../core/wire-error.ts'
import { Deque } from '../deque.ts'
import { DONE, FAILED, STREAM, STREAM_AHEAD, TASK_WORDS, type ToWorker } from '../protocol.ts'
import { WorkContext } from './context.ts'
import type { Cursor } from './cursor.ts'
import { Outbox, type Post } from './outbox.ts'
import { pumpStream, type StreamCredit } from './stream.ts'

/** A function of the module, as it is called. */
export type AnyFunction = (this: WorkContext, ...args: unknown[]) => unknown

interface Work {
  readonly number: number
  readonly run: AnyFunction
  readonly args: unknown[]
  readonly kind: number
}

export interface ExecutorOptions {
  readonly functions: ReadonlyMap<string, AnyFunction>
  readonly concurrency: number
  readonly cursor: Cursor
  readonly post: Post
}

/** Runs the tasks of one worker: `concurrency` of them at a time, in the order in which they came. */
export class Executor {
  readonly #options: ExecutorOptions
  readonly #outbox: Outbox
  readonly #waiting = new Deque<Work>()
  readonly #running = new Map<number, { readonly context: WorkContext; readonly credit: StreamCredit }>()
  #lanes = 0
  #isFlushPlanned = false

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.post)
  }

  get isIdle(): boolean {
    return this.#lanes === 0
  }

  flush(): void {
    this.#outbox.flush()
  }

  /** Takes what came in one message, and begins at once. */
  take(tasks: readonly unknown[]): void {
    const { functions, concurrency } = this.#options
    for (let i = 0; i < tasks.length; i += TASK_WORDS) {
      this.#waiting.push({
        number: tasks[i] as number,
        run: functions.get(tasks[i + 1] as string)!,
        args: tasks[i + 2] as unknown[],
        kind: tasks[i + 3] as number,
      })
    }
    while (this.#lanes < concurrency && this.#waiting.size > 0) void this.#lane()
  }

  abort({ number, reason }: Extract<ToWorker, { kind: 'abort' }>): void {
    this.#running.get(number)?.context.abort(errorFromWire(reason))
  }

  more({ number, count }: Extract<ToWorker, { kind: 'more' }>): void {
    this.#running.get(number)?.credit.add(count)
  }

  /** One task after the other, until nothing waits. Without a break for as long as they are synchronous. */
  async #lane(): Promise<void> {
    this.#lanes++
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      if (!this.#options.cursor.begin(work.number)) continue
      const pending = this.#run(work)
      if (pending !== undefined) await pending
    }
    this.#lanes--
    this.#outbox.flush()
  }

  /** @returns undefined when it has ended already. */
  #run(work: Work): Promise<void> | undefined {
    const { number } = work
    const startedAt = performance.now()
    const context = new WorkContext((progress) => this.#options.post({ kind: 'progress', number, progress }))
    let value: unknown
    try {
      value = work.run.apply(context, work.args)
    } catch (thrown) {
      this.#add(number, FAILED, errorToWire(thrown), startedAt)
      return undefined
    }
    if (work.kind !== STREAM && !isThenable(value)) {
      this.#add(number, DONE, value, startedAt)
      return undefined
    }
    return this.#finish(work, context, value, startedAt)
  }

  /** The rest of a task that takes its time. */
  async #finish(work: Work, context: WorkContext, value: unknown, startedAt: number): Promise<void> {
    const { number } = work
    const credit: StreamCredit = createCredit()
    this.#running.set(number, { context, credit })
    this.#planFlush()
    try {
      const result =
        work.kind === STREAM
          ? await pumpStream(await value, number, credit, context, (message) => this.#options.post(message))
          : await value
      this.#add(number, DONE, result, startedAt)
    } catch (thrown) {
      this.#add(number, FAILED, errorToWire(thrown), startedAt)
    } finally {
      this.#running.delete(number)
    }
    this.#planFlush()
  }

  #add(number: number, outcome: number, value: unknown, startedAt: number): void {
    const now = performance.now()
    this.#outbox.add(number, outcome, value, Math.round((now - startedAt) * 1000), now)
  }

  /** What has ended does not wait for what only waits. */
  #planFlush(): void {
    if (this.#isFlushPlanned || this.#outbox.isEmpty) return
    this.#isFlushPlanned = true
    setImmediate(() => {
      this.#isFlushPlanned = false
      this.#outbox.flush()
    })
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

function createCredit(): StreamCredit {
  let left = STREAM_AHEAD
  let wake: (() => void) | undefined
  return {
    add(count) {
      left += count
      wake?.()
    },
    async take() {
      while (left === 0) await new Promise<void>((resolve) => (wake = resolve))
      left--
    },
  }
}
