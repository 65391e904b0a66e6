import { MillhandError } from '../../core/errors.ts'
import { errorFromWire, errorToWire } from '../../core/wire-error.ts'
import { Deque } from '../deque.ts'
import { Estimate } from '../estimates.ts'
import {
  BACKLOGS,
  CALL,
  DONE,
  FAILED,
  KINDS,
  STREAM,
  YIELDED,
  type TaskWords,
  type ToWorker,
} from '../protocol.ts'
import type { ResultRing } from '../result-ring.ts'
import { Window } from '../window.ts'
import { WorkContext } from './context.ts'
import type { Cursor } from './cursor.ts'
import { Outbox, type Post } from './outbox.ts'
import { pumpStream } from './stream.ts'
import { StreamCredit } from './stream-credit.ts'
import { isThenable } from './thenable.ts'

/** A function of the module, as it is called. */
export type AnyFunction = (this: WorkContext, ...args: unknown[]) => unknown

interface Callee {
  readonly run: AnyFunction
  readonly estimate: Estimate
}

/** A class: V8 takes what a literal makes for long-lived when all of it waits at first, as it may here. */
class Work {
  readonly number: number
  readonly callee: Callee | undefined
  readonly args: unknown[]
  readonly kind: number

  constructor(number: number, callee: Callee | undefined, args: unknown[], kind: number) {
    this.number = number
    this.callee = callee
    this.args = args
    this.kind = kind
  }
}

interface Running {
  readonly context: WorkContext
  readonly credit: StreamCredit
}

export interface ExecutorOptions {
  /** In the order of their names as the pool was told. */
  readonly functions: readonly AnyFunction[]
  readonly concurrency: number
  readonly cursor: Cursor
  readonly ring: ResultRing | undefined
  readonly post: Post
}

/** Runs the tasks of one worker: `concurrency` of them at a time, in the order in which they came. */
export class Executor {
  readonly #options: ExecutorOptions
  readonly #callees: readonly Callee[]
  readonly #outbox: Outbox
  readonly #waiting = new Deque<Work>()
  /** By number. Those that are not of a moment. */
  readonly #running = new Window<Running>()
  #lanes = 0
  #isFlushPlanned = false

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#callees = options.functions.map((run) => ({ run, estimate: new Estimate() }))
    this.#outbox = new Outbox(options.post, options.ring, (number, error) => this.#stop(number, error))
  }

  get isIdle(): boolean {
    return this.#lanes === 0
  }

  flush(): void {
    this.#outbox.flush()
  }

  /** Takes what came in one message, and begins at once. */
  take(words: TaskWords): void {
    const { concurrency } = this.#options
    const backlog = (words[0] as number) % BACKLOGS
    let number = ((words[0] as number) - backlog) / BACKLOGS
    this.#outbox.hasBacklog = backlog > 0
    for (let i = 1; i < words.length;) {
      const head = words[i++] as number
      const count = words[i++] as number
      const kind = head & (KINDS - 1)
      const args = count === 1 ? [words[i]] : words.slice(i, i + count)
      this.#waiting.push(new Work(number++, this.#callees[(head - kind) / KINDS], args, kind))
      i += count
    }
    while (this.#lanes < concurrency && this.#waiting.size > 0) {
      this.#lanes++
      this.#goOn()
    }
  }

  abort({ number, reason }: Extract<ToWorker, { kind: 'abort' }>): void {
    const error = errorFromWire(reason)
    this.#options.post({ kind: 'heard', number })
    this.#stop(number, error)
    for (const work of this.#waiting.reject((each) => each.number === number)) {
      const now = performance.now()
      this.#outbox.add(work.number, FAILED, reason, 0, now, now)
      this.#planFlush()
    }
  }

  more({ number, count }: Extract<ToWorker, { kind: 'more' }>): void {
    this.#running.get(number)?.credit.add(count)
  }

  /** Gives back what has not begun. */
  recall({ end }: Extract<ToWorker, { kind: 'recall' }>): void {
    const [first] = this.#waiting.reject(({ number }) => number < end)
    this.#options.post({ kind: 'returned', from: first?.number ?? end, end })
  }

  #stop(number: number, error: Error): void {
    const running = this.#running.get(number)
    running?.context.abort(error)
    running?.credit.wake()
  }

  /** One lane: one task after the other, until nothing waits. Without a break for as long as they are synchronous. */
  readonly #goOn = (): void => {
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      if (!this.#options.cursor.begin(work.number)) continue
      const pending = this.#run(work)
      if (pending !== undefined) return void pending.then(this.#goOn)
    }
    this.#lanes--
    // Others are likely to end with it.
    if (this.#lanes === 0) this.#outbox.flush()
    else this.#planFlush()
  }

  /** @returns undefined when it has ended already. */
  #run(work: Work): Promise<void> | undefined {
    const { number, callee, kind } = work
    // What has ended is not to wait behind what may take long.
    if (callee?.estimate.isSteady !== true) this.#outbox.flushRisked()
    const startedAt = performance.now()
    const context = new WorkContext(number, this.#report)
    let value: unknown
    let outcome = DONE
    let isLater = kind === STREAM
    try {
      if (callee === undefined) throw unknownHere()
      value = callee.run.apply(context, work.args)
      isLater ||= isThenable(value)
    } catch (thrown) {
      value = errorToWire(thrown)
      outcome = FAILED
    }
    // While it waits, others have their turn: only what it did until now kept them from it.
    const endedAt = performance.now()
    callee?.estimate.learn(micros(startedAt, endedAt))
    if (isLater && outcome === DONE) return this.#finish(work, context, value, startedAt)
    this.#end(work, context, outcome, value, startedAt, startedAt, endedAt)
    return undefined
  }

  /** The rest of a task that takes its time. */
  async #finish(work: Work, context: WorkContext, value: unknown, startedAt: number): Promise<void> {
    const { number } = work
    const credit = new StreamCredit()
    this.#running.add(number, { context, credit })
    this.#planFlush()
    try {
      const result =
        work.kind === STREAM
          ? await pumpStream(await value, credit, context, (each) => this.#yield(number, each))
          : await value
      const now = performance.now()
      this.#end(work, context, DONE, result, startedAt, now, now)
    } catch (thrown) {
      const now = performance.now()
      this.#end(work, context, FAILED, errorToWire(thrown), startedAt, now, now)
    } finally {
      this.#running.take(number)
    }
    this.#planFlush()
  }

  #yield(number: number, value: unknown): void {
    const now = performance.now()
    this.#outbox.add(number, YIELDED, value, 0, now, now)
    this.#planFlush()
  }

  #end(
    { number, kind }: Work,
    { hasSpoken }: WorkContext,
    outcome: number,
    value: unknown,
    startedAt: number,
    since: number,
    now: number,
  ): void {
    const took = micros(startedAt, now)
    if (kind === CALL && outcome === DONE && !hasSpoken) this.#outbox.done(number, value, took, since, now)
    else this.#outbox.add(number, outcome, value, took, since, now)
  }

  readonly #report = (number: number, progress: unknown): void => {
    this.#options.post({ kind: 'progress', number, progress })
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

function micros(from: number, to: number): number {
  return Math.round((to - from) * 1000)
}

/** The file has changed since the first worker loaded it. */
function unknownHere(): Error {
  return new MillhandError('NOT_FOUND', 'the module of this worker does not export that function any more')
}
