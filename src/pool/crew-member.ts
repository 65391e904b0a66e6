import type { Transferable } from 'node:worker_threads'
import type { Estimates } from './estimates.ts'
import type { Line } from './line.ts'
import { TASK_WORDS } from './protocol.ts'
import type { Task } from './task.ts'

/** So much measured work is sent ahead to a worker, microseconds: more than a message takes to get there. */
const AHEAD_MICROS = 400
/** However short tasks are, no more of them. */
const MAX_AHEAD = 512
/** Tasks are numbered in 31 bits: a worker that was sent so many is replaced long before they are used up. */
const MAX_NUMBER = 2 ** 30

export interface MemberLimits {
  /** How many tasks it may have begun and not ended. */
  readonly concurrency: number
  /** How many tasks it may have at all. */
  readonly maxTasks: number
}

/** A task that was told to end. */
export interface Told {
  /** When its worker will be ended for it; set when it was seen to have begun. */
  endsAt: number | undefined
  /** True when the worker said that it heard: its event loop runs. */
  isHeard: boolean
  readonly error: Error
}

/** One worker of a pool, as the pool sees it. */
export class CrewMember {
  readonly line: Line
  state: 'starting' | 'ready' | 'retiring' | 'gone' = 'starting'
  /** Sent and not ended, by number. */
  readonly sent: Map<number, Task> = new Map()
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
  /** When any message of it came, and when it was sent tasks last, on the same clock. */
  heardAt: number = performance.now()
  sentAt = 0
  readonly #limits: MemberLimits
  readonly #estimates: Estimates
  #next = 0
  #aheadMicros = 0
  /** How many of those that were sent have arguments that moved there: they cannot be sent again. */
  #moved = 0

  constructor(line: Line, limits: MemberLimits, estimates: Estimates) {
    this.line = line
    this.#limits = limits
    this.#estimates = estimates
  }

  get isIdle(): boolean {
    return this.sent.size === 0 && this.left.size === 0
  }

  /** True when it cannot be sent more. */
  get isUsedUp(): boolean {
    return this.finished >= this.#limits.maxTasks || this.#next > MAX_NUMBER
  }

  /** True when it has all that it can run. */
  get isFull(): boolean {
    return this.sent.size + this.left.size >= this.#limits.concurrency
  }

  /** True when more is sent than can run: someone else could have it. */
  get hasAhead(): boolean {
    return this.sent.size + this.left.size > this.#limits.concurrency
  }

  /** How many more calls like `task`, of `micros` each, it may be sent now. */
  room(task: Task, micros: number): number {
    const { concurrency, maxTasks } = this.#limits
    const { size } = this.sent
    const out = size + this.left.size
    if (this.state !== 'ready' || this.isAsked || this.left.size >= concurrency) return 0
    if (task.isSuspect) return out === 0 ? 1 : 0
    const free = Math.max(0, concurrency - out)
    const room = this.#getsAhead(task) ? Math.max(free, this.#roomAhead(micros)) : free
    if (size > 0 && room > 0 && this.#hasSuspect()) return 0
    return maxTasks === Infinity ? room : Math.max(0, Math.min(room, maxTasks - this.finished - out))
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

  /** @throws DataCloneError when an argument cannot be copied; nothing was sent then. */
  send(tasks: readonly Task[]): void {
    const words: unknown[] = Array.from({ length: tasks.length * TASK_WORDS })
    let transfer: Transferable[] | undefined
    let [at, number] = [0, this.#next]
    for (const { name, args, settings } of tasks) {
      words[at++] = number++
      words[at++] = name
      words[at++] = args
      words[at++] = settings.kind
      if (settings.transfer !== undefined) (transfer ??= []).push(...settings.transfer)
    }
    this.line.post({ kind: 'tasks', tasks: words }, transfer)
    this.sentAt = performance.now()
    if (this.sent.size === 0) this.lastWordAt = this.heardAt = this.sentAt
    for (const task of tasks) {
      task.member = this
      task.number = this.#next++
      task.begunAt = undefined
      if (task.settings.transfer !== undefined) this.#moved++
      this.sent.set(task.number, task)
      this.#aheadMicros += this.#estimates.of(task.name)
    }
  }

  /** @returns the task of that number, which is not with this worker any more. */
  take(number: number): Task | undefined {
    const task = this.sent.get(number)
    if (task === undefined) return undefined
    this.sent.delete(number)
    this.#aheadMicros =
      this.sent.size === 0 ? 0 : Math.max(0, this.#aheadMicros - this.#estimates.of(task.name))
    if (task.settings.transfer !== undefined) this.#moved--
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

  /** Takes back everything from that number to below `end`. */
  takeFrom(from: number, end: number = Infinity): Task[] {
    const tasks: Task[] = []
    for (const number of [...this.sent.keys()]) {
      const task = number >= from && number < end ? this.take(number) : undefined
      if (task !== undefined) tasks.push(task)
    }
    return tasks
  }

  /** Ends it at once. */
  end(reason: Error): void {
    this.endedFor ??= reason
    this.line.terminate()
  }

  #hasUnbegunMoved(): boolean {
    const begun = this.line.begun()
    for (const [number, { settings }] of this.sent) {
      if (settings.transfer !== undefined && number >= begun) return true
    }
    return false
  }

  #hasSuspect(): boolean {
    for (const task of this.sent.values()) return task.isSuspect
    return false
  }

  /** What cannot be had back for certain is sent ahead only when nothing long is expected before it. */
  #getsAhead(task: Task): boolean {
    if (this.isStuck || task.settings.transfer !== undefined) return false
    return this.line.canRecall || this.#estimates.isSteady(task.name)
  }

  /** None while more than half of it is full, so that what is sent goes in few, large messages. */
  #roomAhead(micros: number): number {
    if (this.sent.size > MAX_AHEAD / 2 || this.#aheadMicros > AHEAD_MICROS / 2) return 0
    const byTime = Math.ceil((AHEAD_MICROS - this.#aheadMicros) / micros)
    return Math.min(MAX_AHEAD - this.sent.size, byTime)
  }
}
