import type { Transferable } from 'node:worker_threads'
import type { Estimates } from './estimates.ts'
import type { Line } from './line.ts'
import { TASK_WORDS } from './protocol.ts'
import type { Task } from './task.ts'

/** So much measured work is sent ahead to a worker, microseconds: more than a message takes to get there. */
const AHEAD_MICROS = 400
/** However short tasks are, no more of them. */
const MAX_AHEAD = 512

/** One worker of a pool, as the pool sees it. */
export class CrewMember {
  readonly line: Line
  state: 'starting' | 'ready' | 'retiring' | 'gone' = 'starting'
  /** Sent and not ended, by number. */
  readonly sent: Map<number, Task> = new Map()
  /** Cancelled while they ran: the worker has not come back from them yet. */
  readonly left: Set<number> = new Set()
  isClosing = false
  memoryBytes = 0
  utilization = 0
  finished = 0
  /** When it was last heard of or idle, on the clock of `performance.now()`. */
  lastWordAt: number = performance.now()
  readonly #concurrency: number
  readonly #estimates: Estimates
  #next = 0
  #aheadMicros = 0

  constructor(line: Line, concurrency: number, estimates: Estimates) {
    this.line = line
    this.#concurrency = concurrency
    this.#estimates = estimates
  }

  get isIdle(): boolean {
    return this.sent.size === 0 && this.left.size === 0
  }

  /** How many more calls of a function of `micros` it may be sent now. */
  room(micros: number): number {
    if (this.state !== 'ready' || this.left.size >= this.#concurrency) return 0
    const { size } = this.sent
    if (size < this.#concurrency) return Math.max(this.#concurrency - size, this.#roomAhead(micros))
    return this.#roomAhead(micros)
  }

  hasBegun(number: number): boolean {
    return this.line.begun() > number
  }

  /** True when something is sent that it has not begun: someone else could have it. */
  get hasAhead(): boolean {
    return this.sent.size > 0 && this.line.begun() < this.#next
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
    if (this.sent.size === 0) this.lastWordAt = performance.now()
    for (const task of tasks) {
      task.member = this
      task.number = this.#next++
      task.begunAt = undefined
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
    task.member = undefined
    return task
  }

  /** Takes back what it has not begun, in the order in which it was sent. */
  recall(): Task[] {
    const from = this.line.recall(this.#next)
    if (from === undefined) return []
    const tasks: Task[] = []
    for (const number of [...this.sent.keys()]) {
      const task = number >= from ? this.take(number) : undefined
      if (task !== undefined) tasks.push(task)
    }
    return tasks
  }

  /** None while more than half of it is full, so that what is sent goes in few, large messages. */
  #roomAhead(micros: number): number {
    if (this.sent.size > MAX_AHEAD / 2 || this.#aheadMicros > AHEAD_MICROS / 2) return 0
    const byTime = Math.ceil((AHEAD_MICROS - this.#aheadMicros) / micros)
    return Math.min(MAX_AHEAD - this.sent.size, byTime)
  }
}
