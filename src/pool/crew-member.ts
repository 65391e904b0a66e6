import type { Transferable } from 'node:worker_threads'
import type { Line } from './line.ts'
import { BACKLOGS, KINDS, type TaskWords } from './protocol.ts'
import type { Task } from './task.ts'
import type { Told } from './told.ts'
import { Window } from './window.ts'

/**
 * So much measured work is sent ahead to a worker, microseconds, for each task that it may run at a time: more than a
 * message takes on a busy machine.
 */
const AHEAD_MICROS = 4000
/** However short tasks are, no more of them. */
const MAX_AHEAD = 512
/** Short tasks come back within this, ms. */
const SHORT_MS = 1
/** Tasks are numbered in 28 bits: a worker that was sent so many is replaced before they are used up. */
const MAX_NUMBER = 2 ** 28 - 1000

export interface MemberLimits {
  /** How many tasks it may have begun and not ended. */
  readonly concurrency: number
  /** How many tasks it may have at all. */
  readonly maxTasks: number
}

/** How much a worker may be sent. */
export interface Allowance {
  /** So many tasks it can begin at once. */
  readonly free: number
  /** So many at all while those of them that are ahead take less than so much time. */
  readonly ahead: number
  readonly micros: number
  /** One task, which begins as soon as one of those that run has ended. */
  readonly hasNext: boolean
}

const NOTHING: Allowance = { free: 0, ahead: 0, micros: 0, hasNext: true }

/** One worker of a pool, as the pool sees it. */
export class CrewMember {
  readonly line: Line
  state: 'starting' | 'ready' | 'retiring' | 'gone' = 'starting'
  /** Sent and not ended, by number. */
  readonly sent: Window<Task> = new Window()
  /** The worker has not come back from them, but nobody waits for that; with the task that is to be tried again. */
  readonly left: Map<number, Task | undefined> = new Map()
  readonly told: Map<number, Told> = new Map()
  /** When it was asked to tear down, on the clock of `performance.now()`. */
  closingAt: number | undefined
  /** Why it was ended by the pool. */
  endedFor: Error | undefined
  memoryBytes = 0
  utilization = 0
  finished = 0
  readonly startedAt: number = performance.now()
  /** When it last ended a task, or got one after having none, on the clock of `performance.now()`. */
  lastWordAt: number = performance.now()
  /** It has been silent for so long that it is at a long task: it gets nothing ahead. */
  isStuck = false
  /** Asked for a word, and has not answered: its event loop may be blocked. It gets nothing meanwhile. */
  isAsked = false
  /** It is to run dry, for a task that must be alone. */
  isReserved = false
  /** When any message of it came, and when it was sent tasks last, on the same clock. */
  heardAt: number = performance.now()
  sentAt = 0
  readonly #limits: MemberLimits
  /** The places of the functions, as the worker told them. */
  #places: ReadonlyMap<string, number> = new Map()
  #next = 0
  #aheadMicros = 0
  /** How many of those that were sent have arguments that moved there: they cannot be sent again. */
  #moved = 0
  /** How many of them were not known to be short. */
  #unsteady = 0

  constructor(line: Line, limits: MemberLimits) {
    this.line = line
    this.#limits = limits
  }

  /** It has loaded its module. */
  isReady(names: readonly string[]): void {
    if (this.state === 'starting') this.state = 'ready'
    this.#places = new Map(names.map((name, place) => [name, place]))
    this.lastWordAt = performance.now()
  }

  get isIdle(): boolean {
    return this.sent.size === 0 && this.left.size === 0
  }

  /** True when it cannot be sent more. */
  get isUsedUp(): boolean {
    return this.finished >= this.#limits.maxTasks || this.#next > MAX_NUMBER
  }

  /** How many tasks it has begun and not ended. */
  get running(): number {
    const begun = this.line.begun()
    let count = this.left.size
    for (const number of this.sent.numbers()) if (number < begun) count++
    return count
  }

  /** True when nothing that it was sent is expected to take long. */
  get isClear(): boolean {
    return this.#unsteady === 0
  }

  /** True when it has all that it can run. */
  get isFull(): boolean {
    return this.sent.size + this.left.size >= this.#limits.concurrency
  }

  /** True when more is sent than can run: someone else could have it. */
  get hasAhead(): boolean {
    return this.sent.size + this.left.size > this.#limits.concurrency
  }

  /** True when something that it was sent may not have begun: behind another, or on an event loop that it shares. */
  get mayHoldUp(): boolean {
    return this.hasAhead || (this.#limits.concurrency > 1 && this.sent.size > 0)
  }

  /** True when it has nothing to do and may be sent anything. */
  get isFree(): boolean {
    return this.state === 'ready' && this.isIdle && !this.isAsked && !this.isReserved && !this.isUsedUp
  }

  /** True when it takes tasks at all, if it has room. */
  get isOpen(): boolean {
    return this.state === 'ready' && !this.isAsked && this.left.size < this.#limits.concurrency
  }

  /** True when it may be sent this task now, which is no suspect. */
  canTake(task: Task): boolean {
    const { free, ahead, micros, hasNext } = this.allowance()
    if (free > 0 || (!hasNext && this.getsNext(task))) return true
    return ahead > 0 && micros > 0 && this.getsAhead(task, this.isClear)
  }

  /** What it may be sent now. */
  allowance(): Allowance {
    const { concurrency, maxTasks } = this.#limits
    const { size } = this.sent
    const out = size + this.left.size
    if (!this.isOpen || this.isReserved || (size > 0 && this.#hasSuspect()) || this.#isComingBack)
      return NOTHING
    const quota = maxTasks === Infinity ? Infinity : maxTasks - this.finished - out
    // None ahead while more than half of it is full, so that what is sent goes in few, large messages.
    const mostMicros = AHEAD_MICROS * concurrency
    const isHalfFull = size > MAX_AHEAD / 2 || this.#aheadMicros > mostMicros / 2
    return {
      free: Math.min(concurrency - out, quota),
      ahead: isHalfFull ? 0 : Math.min(MAX_AHEAD - size, quota),
      micros: mostMicros - this.#aheadMicros,
      hasNext: out > concurrency || quota <= 0,
    }
  }

  /**
   * What cannot be had back for certain is sent ahead only when nothing long is expected before it.
   * @param isClear whether everything before it is short.
   */
  getsAhead(task: Task, isClear: boolean): boolean {
    if (this.isStuck) return false
    const isRecallable = this.line.canRecall && task.settings.transfer === undefined
    return isRecallable || (isClear && task.estimate.isSteady)
  }

  /** However long it takes, it may wait there for its turn: it can be had back when that is late. */
  getsNext(task: Task): boolean {
    const { estimate, settings } = task
    return !this.isStuck && this.line.canRecall && estimate.isEven && settings.transfer === undefined
  }

  /** For how long it is silent when what it does takes as long as usual, ms; 0 when nobody knows. */
  get usualMs(): number {
    const estimate = this.sent.first?.estimate
    return estimate?.isEven === true ? estimate.micros / 1000 : 0
  }

  /** True when it shares its event loop among tasks, and has said nothing for `ms` while it had some. */
  isSilent(now: number, ms: number): boolean {
    return this.#limits.concurrency > 1 && this.sent.size > 0 && now - this.heardAt > ms
  }

  /** True when it has not begun all that it may begin, although it was sent `ms` ago. */
  isLate(now: number, ms: number): boolean {
    return now - this.sentAt > ms && this.line.begun() < this.#next
  }

  /** Asks for a word, and what cannot be taken from it for what it has not begun. */
  ask(): void {
    if (this.isAsked) return
    this.isAsked = true
    this.line.post({ kind: 'recall', end: this.line.canRecall ? 0 : this.#next })
  }

  hasBegun(number: number): boolean {
    return this.line.begun() > number
  }

  /**
   * @param hasBacklog whether more tasks wait at the pool than are sent.
   * @throws DataCloneError when an argument cannot be copied; nothing was sent then.
   */
  send(tasks: readonly Task[], hasBacklog: boolean): void {
    const words: TaskWords = [this.#next * BACKLOGS + (hasBacklog ? 1 : 0)]
    let transfer: Transferable[] | undefined
    for (const { name, args, settings } of tasks) {
      words.push((this.#places.get(name) ?? -1) * KINDS + settings.kind, args.length)
      for (const arg of args) words.push(arg)
      if (settings.transfer !== undefined) (transfer ??= []).push(...settings.transfer)
    }
    this.line.post(words, transfer)
    this.sentAt = performance.now()
    if (this.sent.size === 0) this.lastWordAt = this.heardAt = this.sentAt
    for (const task of tasks) {
      task.member = this
      task.number = this.#next++
      task.begunAt = undefined
      if (task.settings.transfer !== undefined) this.#moved++
      task.isSteady = task.estimate.isSteady
      task.micros = task.estimate.micros
      task.sentAt = this.sentAt
      if (!task.isSteady) this.#unsteady++
      this.sent.add(task.number, task)
      this.#aheadMicros += task.micros
    }
  }

  /** @returns the task of that number, which is not with this worker any more. */
  take(number: number): Task | undefined {
    const task = this.sent.take(number)
    if (task === undefined) return undefined
    this.#aheadMicros = this.sent.size === 0 ? 0 : Math.max(0, this.#aheadMicros - task.micros)
    if (task.settings.transfer !== undefined) this.#moved--
    if (!task.isSteady) this.#unsteady--
    task.member = undefined
    return task
  }

  /** Takes back what it has not begun, in the order in which it was sent. */
  recall(): Task[] {
    if (this.#moved > 0 && this.#hasUnbegunMoved()) return []
    const from = this.line.recall(this.#next)
    if (from === undefined) this.ask()
    return from === undefined ? [] : this.takeFrom(from)
  }

  /** Takes back everything from that number to below `end`, also what nobody waits for but is to be tried again. */
  takeFrom(from: number, end: number = Infinity): Task[] {
    const tasks: Task[] = []
    for (const number of [...this.sent.numbers()]) {
      const task = number >= from && number < end ? this.take(number) : undefined
      if (task !== undefined) tasks.push(task)
    }
    for (const [number, again] of this.left) {
      if (number < from || number >= end) continue
      this.left.delete(number)
      this.told.delete(number)
      if (again !== undefined) tasks.push(again)
    }
    return tasks
  }

  /** Ends it at once. */
  end(reason: Error): void {
    this.endedFor ??= reason
    this.line.terminate()
  }

  /** True when less than half of what it can run is free, and the rest about to be: then more goes in one message. */
  get #isComingBack(): boolean {
    const { concurrency } = this.#limits
    const { size } = this.sent
    if (size <= concurrency / 2 || size >= concurrency || !this.isClear) return false
    return performance.now() - this.sent.first!.sentAt < SHORT_MS
  }

  #hasUnbegunMoved(): boolean {
    const begun = this.line.begun()
    for (const [number, { settings }] of this.sent.entries()) {
      if (settings.transfer !== undefined && number >= begun) return true
    }
    return false
  }

  #hasSuspect(): boolean {
    return this.sent.first?.isSuspect === true
  }
}
