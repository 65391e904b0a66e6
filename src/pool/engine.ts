import { MillhandError, type WorkerExitError } from '../core/errors.ts'
import type { Emitter } from '../core/events.ts'
import { Admission } from './admission.ts'
import { Aftermath } from './aftermath.ts'
import { Crew } from './crew.ts'
import type { CrewMember } from './crew-member.ts'
import { Dispatcher } from './dispatcher.ts'
import { Estimates } from './estimates.ts'
import { unknownFunction } from './functions.ts'
import { Inbox } from './inbox.ts'
import { Interruptions } from './interruptions.ts'
import { cancelledError } from './lost-task.ts'
import type { PoolEvents } from './pool-events.ts'
import type { CheckedPool } from './pool-options.ts'
import { crewStats, type PoolStats } from './pool-stats.ts'
import { openProcessLine } from './process-line.ts'
import type { FromWorker } from './protocol.ts'
import { SecondTries } from './second-tries.ts'
import { Staffing } from './staffing.ts'
import { StartFailures } from './start-failures.ts'
import { Tally } from './tally.ts'
import { Task, type TaskSettings } from './task.ts'
import { openThreadLine } from './thread-line.ts'
import { Watch } from './watch.ts'

const TICK_MS = 10
/** When this loop was blocked for so long, what has ended meanwhile is heard of before anything counts as late. */
const BLOCKED_MS = 50
const SOON = Promise.resolve()

/** The inside of a pool: tasks come in, go to workers, and come back. */
export class Engine {
  /** The functions that can be called; undefined before the first worker is ready. */
  names: ReadonlySet<string> | undefined
  readonly #options: CheckedPool
  readonly #size: { readonly min: number; readonly max: number }
  readonly #events: Emitter<PoolEvents>
  readonly #tally = new Tally()
  readonly #estimates = new Estimates()
  readonly #failures = new StartFailures()
  readonly #crew: Crew
  readonly #dispatcher: Dispatcher
  readonly #staffing: Staffing
  readonly #admission: Admission
  readonly #interruptions: Interruptions
  readonly #aftermath: Aftermath
  readonly #inbox: Inbox
  readonly #watch: Watch
  #tickedAt = 0
  #skipsTimeouts = false
  #crashes = 0
  /** Why it can do nothing any more. */
  #broken: Error | undefined
  #isDealPlanned = false
  #closing: Promise<void> | undefined
  #isOver = false

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
    this.#crew = new Crew(module, options, open, {
      onReady: (names) => this.#onReady(names),
      onMessage: (member, message) => this.#onMessage(member, message),
      onBroken: (error) => this.#onBroken(error),
      onExit: (member, exit, isCrash) => this.#onExit(member, exit, isCrash),
    })
    const tally = this.#tally
    const dispatcher = new Dispatcher(this.#crew.members, (task, error) => tally.fail(task, error))
    const tries = new SecondTries(tally, dispatcher)
    const staffing = new Staffing(this.#crew, dispatcher, options, size, this.#failures)
    this.#dispatcher = dispatcher
    this.#staffing = staffing
    this.#admission = new Admission(options.maxQueue, () => dispatcher.waiting.size)
    this.#interruptions = new Interruptions(options.abortGrace, tally, dispatcher, staffing, tries)
    this.#aftermath = new Aftermath(options.concurrencyPerWorker, tally, dispatcher, tries)
    this.#inbox = new Inbox(tally, dispatcher, staffing, tries, events)
    this.#watch = new Watch(TICK_MS, () => this.#tick())
  }

  /** Why it can run nothing any more. */
  get failure(): Error | undefined {
    return this.#broken
  }

  /** Whether the calls of a function have all been short of late. */
  isSteady(name: string): boolean {
    return this.#estimates.of(name).isSteady
  }

  async start(): Promise<void> {
    this.#checkOpen()
    this.#watch.start()
    this.#staff()
    await this.#tally.until(() => {
      this.#checkOpen()
      return this.#crew.size >= this.#size.min && this.#crew.starting === 0
    })
  }

  add(name: string, args: readonly unknown[], settings: TaskSettings, signal: AbortSignal | undefined): Task {
    this.#checkOpen()
    if (signal?.aborted === true) throw cancelledError(name, signal.reason)
    this.#admission.enter()
    const task = new Task(name, args, settings, this.#estimates.of(name), this.#cancel)
    this.#tally.open++
    if (signal !== undefined) task.heed(signal)
    if (settings.timeoutMs !== undefined) this.#interruptions.areTimed = true
    this.#dispatcher.waiting.push(task)
    this.#planDeal()
    return task
  }

  async ready(): Promise<void> {
    this.#checkOpen()
    await this.#admission.ready()
    this.#checkOpen()
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
    this.#isOver = true
    const error = new MillhandError('POOL_CLOSED', 'the pool was closed before this task had ended')
    const tasks = this.#dispatcher.waiting.reject(() => true)
    for (const { sent, left } of this.#crew.members) {
      tasks.push(...sent.values(), ...[...left.values()].filter((task) => task !== undefined))
    }
    for (const task of tasks) this.#tally.fail(task, error, 'cancelled')
    for (const member of this.#crew.members) member.end(error)
  }

  /**
   * Tells a task to end, and lets it: it settles when it has, or when its worker was ended for it after the grace.
   * One that has not begun is cancelled.
   */
  interrupt(task: Task, reason: Error): void {
    this.#interruptions.interrupt(task, reason)
    this.#watch.start()
    this.#planDeal()
  }

  /** Takes back what has not begun, as if it had never been added. @returns false when that cannot be done now. */
  withdraw(task: Task): boolean {
    if (!this.#interruptions.withdraw(task)) return false
    this.#tally.forget()
    return true
  }

  resized(): void {
    this.#staff()
    this.#planDeal()
  }

  stats(): PoolStats {
    const { completed, failed, cancelled } = this.#tally
    const { waiting, recalled } = this.#dispatcher
    const counts = { completed, failed, cancelled, crashes: this.#crashes, recalled }
    return { ...crewStats(this.#crew), waiting: waiting.size, ...counts }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) {
      throw new MillhandError('POOL_CLOSED', 'the pool is closed and takes no more tasks')
    }
    if (this.#broken !== undefined) throw this.#broken
  }

  /** Tasks of one tick are dealt together. */
  #planDeal(): void {
    if (this.#isDealPlanned) return
    this.#isDealPlanned = true
    // Not queueMicrotask, which makes a resource for each call.
    void SOON.then(this.#dealPlanned)
  }

  readonly #dealPlanned = (): void => {
    this.#isDealPlanned = false
    if (this.#crew.members.size === 0 && this.#tally.open > 0) this.#staff()
    this.#watch.start()
    this.#deal()
  }

  #deal(): void {
    const broken = this.#broken
    const { waiting } = this.#dispatcher
    // Also one that came back to be tried again.
    if (broken !== undefined) for (const task of waiting.reject(() => true)) this.#tally.fail(task, broken)
    const { open } = this.#tally
    if (open > 0) this.#dispatcher.deal(open > waiting.size)
    this.#admission.changed()
  }

  #staff(): void {
    const isWanted = this.#closing === undefined || this.#tally.open > 0
    if (isWanted && this.#broken === undefined && !this.#isOver) this.#staffing.adjust()
  }

  #onReady(names: readonly string[]): void {
    this.names = new Set(names)
    this.#failures.started()
    for (const task of this.#dispatcher.waiting.reject(({ name }) => !this.names!.has(name))) {
      this.#tally.fail(task, unknownFunction(task.name, names))
    }
    this.#events.emit('ready', { workers: this.#crew.size })
    this.#tally.changed()
    this.#deal()
  }

  #onMessage(member: CrewMember, message: FromWorker): void {
    if (!this.#inbox.hear(member, message)) return
    this.#failures.worked()
    if (this.#tally.open > 0) this.#deal()
  }

  readonly #cancel = (task: Task, reason: Error | undefined): void => {
    this.#interruptions.cancel(task, reason)
    this.#admission.changed()
    this.#watch.start()
    this.#planDeal()
  }

  #onBroken(error: Error): void {
    if (this.#broken !== undefined || this.#isOver) return
    this.#failures.failed(performance.now())
    if (!this.#failures.isHopeless(this.#crew.isWorking)) {
      this.#options.logger.error({ err: error }, 'a worker of the pool could not start; it is tried again')
      return
    }
    this.#broken = error
    for (const task of this.#dispatcher.waiting.reject(() => true)) this.#tally.fail(task, error)
    for (const member of this.#crew.members) if (member.state === 'starting') member.end(error)
    this.#admission.shut(error)
    this.#tally.changed()
  }

  #onExit(member: CrewMember, exit: WorkerExitError, isCrash: boolean): void {
    this.#inbox.readResults(member)
    const tasks = this.#aftermath.settle(member, exit)
    if (isCrash) this.#onCrash(exit, tasks)
    this.#staff()
    this.#tally.changed()
    this.#admission.changed()
    this.#planDeal()
  }

  #onCrash(exit: WorkerExitError, tasks: number): void {
    this.#crashes++
    this.#options.logger.warn({ err: exit, tasks }, 'a worker of the pool has died')
    this.#events.emit('crash', { error: exit, tasks })
    if (tasks === 0) this.#failures.failed(performance.now())
  }

  /** While there is something to look after: late tasks, the size, and who is stuck. */
  #tick(): 'work' | 'upkeep' | 'nothing' {
    const now = performance.now()
    this.#skipsTimeouts = !this.#skipsTimeouts && now - this.#tickedAt > BLOCKED_MS
    this.#tickedAt = now
    let isBusy = this.#tally.open > 0 || this.#tally.waiters > 0
    for (const member of this.#crew.members) {
      // It may have left some before it began with what takes longer than ever before.
      if (!member.isIdle) this.#inbox.readResults(member)
      if (this.#interruptions.lookAfter(member, now, !this.#skipsTimeouts)) isBusy = true
    }
    this.#deal()
    this.#staff()
    if (this.#crew.lookAfter(now) || this.#staffing.isUnsettled) return isBusy ? 'work' : 'upkeep'
    return isBusy ? 'work' : 'nothing'
  }

  async #close(): Promise<void> {
    this.#admission.shut(new MillhandError('POOL_CLOSED', 'the pool was closed'))
    this.#watch.start()
    this.#tally.changed()
    await this.drain()
    this.#isOver = true
    for (const member of this.#crew.members) {
      // One that was told to end a task has its grace: it closes when it has.
      if (member.state !== 'starting') this.#staffing.retire(member)
      else member.end(new MillhandError('POOL_CLOSED', 'the pool was closed'))
    }
    this.#watch.start()
    await this.#tally.until(() => this.#crew.members.size === 0)
    this.#watch.stop()
  }
}
