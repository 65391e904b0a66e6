import { MillhandError, toError, type WorkerExitError } from '../core/errors.ts'
import type { Emitter } from '../core/events.ts'
import { errorFromWire, errorToWire, type WireError } from '../core/wire-error.ts'
import { Crew } from './crew.ts'
import type { CrewMember } from './crew-member.ts'
import { Dispatcher } from './dispatcher.ts'
import { Estimates } from './estimates.ts'
import type { CheckedPool } from './pool-options.ts'
import { openProcessLine } from './process-line.ts'
import { DONE, RESULT_WORDS, YIELDED, type FromWorker } from './protocol.ts'
import { Staffing } from './staffing.ts'
import { Tally } from './tally.ts'
import { Task, type TaskSettings } from './task.ts'
import { openThreadLine } from './thread-line.ts'
import { Watch } from './watch.ts'

export interface PoolEvents {
  /** A function said how far it is. */
  progress: { readonly task: Task; readonly progress: unknown }
  /** A worker is ready. */
  ready: { readonly workers: number }
  /** A worker ended although it was not asked to. Tasks that it had begun have failed with the same error. */
  crash: { readonly error: Error; readonly tasks: number }
}

export interface PoolStats {
  readonly workers: number
  /** Workers that are not ready yet. */
  readonly starting: number
  readonly waiting: number
  /** Sent to a worker and not ended. */
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  /** Workers that ended although they were not asked to. */
  readonly crashes: number
  /** Tasks that were sent to one worker and taken back for another. */
  readonly recalled: number
  /** How busy the event loops of the workers are, 0 to 1; the mean. */
  readonly utilization: number
  readonly memoryBytes: number
}

/** A worker that could not start is tried again so often before the pool gives up, when others work. */
const MAX_FAILED_STARTS = 3
const TICK_MS = 10
/** A task that took so many workers down with it is not tried again. */
const POISON = 2

/** The inside of a pool: what waits, who works, what came of it. */
export class Engine {
  /** The functions that can be called; undefined before the first worker is ready. */
  names: ReadonlySet<string> | undefined
  readonly #options: CheckedPool
  readonly #size: { readonly min: number; readonly max: number }
  readonly #events: Emitter<PoolEvents>
  readonly #crew: Crew
  readonly #dispatcher: Dispatcher
  readonly #estimates = new Estimates()
  readonly #watch: Watch
  readonly #staffing: Staffing
  readonly #tally = new Tally()
  #crashes = 0
  #failedStarts = 0
  #broken: Error | undefined
  #isDealPlanned = false
  #closing: Promise<void> | undefined
  #abandoned = false
  /** True when somebody was told so, or waits for it to change. */
  #isFull = false

  constructor(
    module: string,
    options: CheckedPool,
    size: { readonly min: number; readonly max: number },
    events: Emitter<PoolEvents>,
  ) {
    this.#options = options
    this.#size = size
    this.#events = events
    const open = options.placement === 'thread' ? openThreadLine : openProcessLine
    this.#crew = new Crew(module, options, open, this.#estimates, {
      onReady: (_member, names) => this.#onReady(names),
      onMessage: (member, message) => this.#onMessage(member, message),
      onBroken: (_member, error) => this.#onBroken(error),
      onExit: (member, error) => this.#onExit(member, error),
    })
    this.#dispatcher = new Dispatcher(this.#crew.members, this.#estimates)
    this.#staffing = new Staffing(this.#crew, this.#dispatcher, options, size)
    this.#watch = new Watch(TICK_MS, () => this.#tick())
  }

  async start(): Promise<void> {
    this.#checkOpen()
    this.#watch.start()
    this.#resize()
    await this.#tally.until(() => {
      this.#checkOpen()
      return this.#crew.size >= this.#size.min && this.#crew.starting === 0
    })
  }

  add(name: string, args: readonly unknown[], settings: TaskSettings, signal: AbortSignal | undefined): Task {
    this.#checkOpen()
    if (signal?.aborted === true) throw cancelled(name, signal.reason)
    if (this.#dispatcher.waiting.size >= this.#options.maxQueue) {
      this.#isFull = true
      throw new MillhandError(
        'POOL_FULL',
        `${this.#options.maxQueue} tasks wait already (maxQueue); await pool.ready() before you add more`,
      )
    }
    const task = new Task(name, args, settings, this.#cancel)
    this.#tally.open++
    if (signal !== undefined) this.#listen(task, signal)
    this.#dispatcher.waiting.push(task)
    this.#planDeal()
    return task
  }

  async ready(): Promise<void> {
    await this.#tally.until(() => {
      this.#checkOpen()
      this.#isFull = this.#dispatcher.waiting.size >= this.#options.maxQueue
      return !this.#isFull
    })
  }

  drain(): Promise<void> {
    return this.#tally.until(() => this.#tally.open === 0)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Gives up on what is left. */
  abandon(): void {
    this.#abandoned = true
    const error = new MillhandError('POOL_CLOSED', 'the pool was closed before this task had ended')
    this.#rejectWaiting(error)
    for (const member of this.#crew.members) {
      for (const task of member.sent.values()) this.#tally.fail(task, error, 'cancelled')
      member.line.terminate()
    }
  }

  resized(): void {
    this.#resize()
    this.#planDeal()
  }

  stats(): PoolStats {
    const members = [...this.#crew.members]
    const { completed, failed, cancelled } = this.#tally
    const sum = (of: (member: CrewMember) => number): number =>
      members.reduce((all, each) => all + of(each), 0)
    return {
      workers: this.#crew.size,
      starting: this.#crew.starting,
      waiting: this.#dispatcher.waiting.size,
      sent: sum(({ sent }) => sent.size),
      completed,
      failed,
      cancelled,
      crashes: this.#crashes,
      recalled: this.#dispatcher.recalled,
      utilization: sum(({ utilization }) => utilization) / Math.max(1, members.length),
      memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    }
  }

  #checkOpen(): void {
    if (this.#broken !== undefined) throw this.#broken
    if (this.#closing !== undefined) {
      throw new MillhandError('POOL_CLOSED', 'the pool is closed and takes no more tasks')
    }
  }

  /** Tasks of one tick are dealt together. */
  #planDeal(): void {
    if (this.#isDealPlanned) return
    this.#isDealPlanned = true
    queueMicrotask(() => {
      this.#isDealPlanned = false
      if (this.#crew.size === 0 && this.#tally.open > 0) this.#resize()
      this.#watch.start()
      this.#dispatcher.deal()
    })
  }

  #onReady(names: readonly string[]): void {
    this.names = new Set(names)
    this.#failedStarts = 0
    const unknown = this.#dispatcher.waiting.reject(({ name }) => !this.names!.has(name))
    for (const task of unknown) {
      const error = new MillhandError(
        'NOT_FOUND',
        `the module of the pool exports no function "${task.name}"; it exports ${names.join(', ')}`,
      )
      this.#tally.fail(task, error)
    }
    this.#events.emit('ready', { workers: this.#crew.size })
    this.#tally.changed()
    this.#dispatcher.deal()
  }

  #onMessage(member: CrewMember, message: FromWorker): void {
    switch (message.kind) {
      case 'results':
        this.#onResults(member, message.results)
        break
      case 'progress': {
        const task = member.sent.get(message.number)
        if (task === undefined) break
        task.progress = message.progress
        this.#events.emit('progress', { task, progress: message.progress })
        break
      }
      case 'usage':
        member.memoryBytes = message.memoryBytes
        member.utilization = message.utilization
        this.#staffing.replaceIfWorn(member)
    }
  }

  #onResults(member: CrewMember, results: readonly unknown[]): void {
    member.lastWordAt = performance.now()
    for (let i = 0; i < results.length; i += RESULT_WORDS) {
      const number = results[i] as number
      const outcome = results[i + 1] as number
      if (outcome === YIELDED) {
        member.sent.get(number)?.onYield?.(results[i + 2])
        continue
      }
      const task = member.take(number)
      if (task === undefined) {
        member.left.delete(number)
        continue
      }
      member.finished++
      this.#estimates.learn(task.name, results[i + 3] as number)
      if (outcome === DONE) this.#tally.complete(task, results[i + 2])
      else this.#onFailure(task, errorFromWire(results[i + 2] as WireError))
    }
    this.#staffing.replaceIfWorn(member)
    this.#dispatcher.deal()
    this.#wakeProducers()
  }

  /** Those who wait for room look again. */
  #wakeProducers(): void {
    if (this.#isFull && this.#dispatcher.waiting.size < this.#options.maxQueue) {
      this.#isFull = false
      this.#tally.changed()
    }
  }

  #onFailure(task: Task, error: Error): void {
    if (task.isComplete) return
    if (task.attempt > task.settings.retries || this.#abandoned) return this.#tally.fail(task, error)
    task.attempt++
    this.#dispatcher.waiting.push(task)
    this.#planDeal()
  }

  #listen(task: Task, signal: AbortSignal): void {
    const onAbort = (): void => task.cancel(toError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    task.whenSettled(() => signal.removeEventListener('abort', onAbort))
  }

  readonly #cancel = (task: Task, reason: Error | undefined): void => {
    this.#end(task, cancelled(task.name, reason), 'cancelled')
  }

  /** Ends a task that was cancelled or is late, wherever it is. */
  #end(task: Task, error: Error, outcome: 'failed' | 'cancelled'): void {
    const { member } = task
    this.#tally.fail(task, error, outcome)
    if (member === undefined) {
      this.#dispatcher.waiting.reject((each) => each === task)
      this.#tally.changed()
      return
    }
    const { number } = task
    this.#dispatcher.takeBack(member)
    if (member.sent.get(number) === task) {
      member.take(number)
      member.left.add(number)
      member.line.post({ kind: 'abort', number, reason: errorToWire(error) })
      this.#watch.expect(this.#options.abortGrace, () => {
        if (member.left.has(number)) member.line.terminate()
      })
    }
    this.#planDeal()
  }

  /**
   * Tells a task to end, and lets it: it settles when it has, or when its worker was ended for it after the grace.
   * One that has not begun is cancelled.
   */
  interrupt(task: Task, reason: Error): void {
    const { member, number } = task
    if (task.isComplete) return
    if (member?.hasBegun(number) !== true) return this.#end(task, cancelled(task.name, reason), 'cancelled')
    member.line.post({ kind: 'abort', number, reason: errorToWire(reason) })
    this.#watch.expect(this.#options.abortGrace, () => {
      if (member.sent.get(number) === task) member.line.terminate()
    })
  }

  #onBroken(error: Error): void {
    this.#failedStarts++
    const works = [...this.#crew.members].some(({ state }) => state === 'ready')
    if (works && this.#failedStarts < MAX_FAILED_STARTS) {
      this.#options.logger.error({ err: error }, 'a worker of the pool could not start; others go on')
      return
    }
    this.#broken = error
    this.#rejectWaiting(error)
    this.#tally.changed()
  }

  #onExit(member: CrewMember, error: WorkerExitError): void {
    const lost = [...member.sent.values()]
    const begun = member.line.begun()
    // The last ones that were begun ran when it died; those before them had ended.
    const isRunning = (task: Task): boolean => task.number < begun
    const wasExpected = lost.length === 0
    for (const task of lost.filter((each) => !isRunning(each)).toReversed()) {
      member.take(task.number)
      this.#dispatcher.waiting.unshift(task)
    }
    for (const task of lost.filter(isRunning)) {
      member.take(task.number)
      this.#onCrash(task, error)
    }
    if (!wasExpected) {
      this.#crashes++
      this.#events.emit('crash', { error, tasks: lost.length })
    }
    if (this.#broken !== undefined) this.#rejectWaiting(this.#broken)
    else if (this.#closing === undefined || this.#tally.open > 0) this.#resize()
    this.#tally.changed()
    this.#planDeal()
  }

  #onCrash(task: Task, error: Error): void {
    task.crashes++
    if (task.crashes < POISON) return this.#onFailure(task, error)
    const poison = new MillhandError(
      'TASK_POISON',
      `${task.name} took ${task.crashes} workers down with it, and is not tried again: ${error.message}`,
      { cause: error },
    )
    this.#tally.fail(task, poison)
  }

  #rejectWaiting(error: Error): void {
    for (const task of this.#dispatcher.waiting.reject(() => true)) this.#tally.fail(task, error)
  }

  #resize(): void {
    if (this.#broken === undefined && !this.#abandoned) this.#staffing.adjust()
  }

  /** While there is something to look after: late tasks, the size, and who is stuck. */
  #tick(): boolean {
    const now = performance.now()
    for (const member of this.#crew.members) {
      for (const task of member.sent.values()) this.#checkTimeout(task, now)
    }
    this.#resize()
    this.#dispatcher.deal()
    return this.#tally.open > 0 || this.#staffing.isAboveMin
  }

  #checkTimeout(task: Task, now: number): void {
    const { timeoutMs } = task.settings
    if (timeoutMs === undefined || task.member?.hasBegun(task.number) !== true) return
    task.begunAt ??= now
    if (now - task.begunAt < timeoutMs) return
    const error = new MillhandError('TASK_TIMEOUT', `${task.name} did not end within ${timeoutMs} ms`)
    this.#end(task, error, 'failed')
  }

  async #close(): Promise<void> {
    await this.drain()
    for (const member of this.#crew.members) {
      if (member.state === 'starting') member.line.terminate()
      else if (member.isIdle) this.#crew.close(member)
      else member.line.terminate()
    }
    await this.#tally.until(() => this.#crew.members.size === 0)
    this.#watch.stop()
  }
}

function cancelled(name: string, reason: unknown): Error {
  return new MillhandError('TASK_CANCELLED', `${name} was cancelled`, { cause: reason })
}
