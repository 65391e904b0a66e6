import { MillhandError, ShutdownError } from '../core/errors.ts'
import { errorToWire } from '../core/wire-error.ts'
import type { Begin, FromWorkerBody, Grant, ToWorker } from './control.ts'
import { ErrorReports } from './error-reports.ts'
import { Eviction } from './eviction.ts'
import { FrameLoop } from './frame-loop.ts'
import type { FrameReader } from './frame-reader.ts'
import { GrantGate } from './grant-gate.ts'
import { HandlerWatch } from './handler-watch.ts'
import { Handlers } from './handlers.ts'
import { KeyLanes } from './key-lanes.ts'
import { KeyEntry, KeyStates, type PartitionStates } from './key-states.ts'
import { KeyTimers } from './key-timers.ts'
import type { LifeParts } from './life-parts.ts'
import { LoopRest } from './loop-rest.ts'
import { monotonicMs } from './monotonic-ms.ts'
import { Outlet } from './outlet.ts'
import { partitionOf } from './partition.ts'
import { StateCopier } from './state-copier.ts'
import { StateIntake } from './state-intake.ts'
import { StatePacker, Ticks } from './state-packer.ts'
import { StateSaver } from './state-saver.ts'
import type { StreamHooks } from './stream-hooks.ts'
import type { WorkerStats } from './worker-stats.ts'

export interface LifeOptions<State> {
  readonly hooks: StreamHooks<State>
  readonly begin: Begin
  readonly epoch: number
  readonly reader: FrameReader
  readonly post: (message: FromWorkerBody) => void
  /** Hears of errors, not of each. */
  readonly onError: (error: Error, key: string, further: number) => void
  readonly isProcess: boolean
}

/** One life of a worker of a stream: from the moment when it is given its partitions to its end. */
export class StreamLife<State> {
  readonly #options: LifeOptions<State>
  readonly #reader: FrameReader
  readonly #parts: LifeParts<State>
  readonly #watch: HandlerWatch
  readonly #reports: ErrorReports
  readonly #eviction: Eviction<State>
  readonly #intake: StateIntake<State>
  readonly #saver: StateSaver<State>
  readonly #loop: FrameLoop<State>
  /** Gaps of which the keys of a partition are to be told, before the next frame. */
  readonly #gaps: (() => Promise<void> | undefined)[] = []
  readonly #timers: NodeJS.Timeout[] = []
  readonly #rest = new LoopRest()
  #isQuiet = false
  #isStopping = false

  constructor(options: LifeOptions<State>) {
    const { hooks, begin, epoch, reader, post } = options
    const { settings } = begin
    this.#options = options
    this.#reader = reader
    this.#watch = new HandlerWatch(settings.timeoutMs)
    this.#reports = new ErrorReports(options.onError)
    const states = new KeyStates<State>()
    const handlers = new Handlers(hooks, this.#watch, this.#reports)
    const timers = new KeyTimers(states, () => this.wake())
    const ticks = new Ticks()
    const packer = new StatePacker(hooks, handlers, ticks)
    const copier = new StateCopier(states, packer, ticks, () => this.#rest.next(), post)
    this.#parts = {
      ...{ settings, hooks, states, handlers, timers, ticks, copier, gate: new GrantGate(epoch) },
      lanes: new KeyLanes(settings.concurrency),
      outlet: new Outlet(begin.outputs, post),
      admit: (partition, key, now) => this.#admit(partition, key, now),
      answer: (id, answer) => this.#answer(id, answer),
      reset: (partition) => this.#reset(partition),
    }
    this.#eviction = new Eviction(
      states,
      { maxKeys: settings.maxKeys, idleMs: settings.evictAfterMs },
      (partition, entry) => this.#evict(partition, entry),
    )
    this.#intake = new StateIntake(states, timers, ticks)
    this.#saver = new StateSaver({ states, packer, ticks, settings, post, tally: handlers.tally })
    this.#loop = new FrameLoop(reader, this.#parts, begin.careful)
  }

  get outlet(): Outlet {
    return this.#parts.outlet
  }

  stats(): WorkerStats {
    const { handlers, states, lanes } = this.#parts
    const { isProcess } = this.#options
    return handlers.tally.stats({ keys: states.size, inHand: lanes.size, isProcess })
  }

  hear(message: ToWorker): void {
    const { copier, states, outlet } = this.#parts
    switch (message.kind) {
      case 'states':
        return this.#intake.take(message.batch)
      case 'grant':
        this.#grant(message.grant, false)
        this.#options.post({ kind: 'granted', id: message.id, at: monotonicMs() })
        if (message.isMarked) this.#parts.gate.granted(message.id)
        return this.wake()
      case 'copy':
        return void copier.copy(message.id, message.partition)
      case 'keep':
        return copier.end(message.id)
      case 'forget':
        copier.end(message.id)
        return states.remove(message.partition)
      case 'discard':
        return this.#intake.discard(message.partition)
      case 'begin':
        // That is what this life was made of.
        return
      case 'emitted':
        outlet.take(message.count)
        return this.wake()
      case 'stats':
        return this.#options.post({ kind: 'stats', stats: this.stats() })
    }
  }

  /** Handles what is read, until it is asked to stop. @throws MillhandError when the messages cannot be read any more. */
  async run(): Promise<void> {
    const { begin } = this.#options
    for (const grant of begin.grants) this.#grant(grant, true)
    this.#begin()
    await this.#tellGaps()
    if (begin.isPoisoned) await this.#skipFirst()
    while (!this.#isStopping) {
      if (this.#reader.isClosed) {
        throw new MillhandError('WORKER_EXITED', 'the line to the messages of this worker broke')
      }
      if (this.#isQuiet) await this.#sleep(() => new Promise(() => {}))
      else await this.#turn()
    }
    const { lanes, outlet } = this.#parts
    lanes.clear()
    while (lanes.size > 0) await lanes.nextEnd()
    await new Promise<void>((resolve) => outlet.whenTaken(resolve))
    this.#saver.close()
  }

  /** It is to read no more; what it has in hand goes on. */
  stop(): void {
    this.#isStopping = true
    this.#parts.gate.close()
    this.wake()
  }

  quiet(isQuiet: boolean): void {
    this.#isQuiet = isQuiet
    this.wake()
  }

  wake(): void {
    this.#rest.wake()
    this.#reader.wake()
  }

  /** Its end, however that came. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#saver.abandon()
    this.#parts.timers.close()
    this.#watch.close(new ShutdownError('the worker has ended'))
    this.#reports.close()
    this.#reader.close()
  }

  setTimer(key: string, name: string, delayMs: number): boolean {
    const { states, timers, ticks } = this.#parts
    const number = partitionOf(key)
    const entry = states.get(number)?.keys.get(key)
    if (entry === undefined) return false
    entry.tick = ticks.now
    timers.set(number, entry, name, Date.now() + delayMs)
    return true
  }

  clearTimer(key: string, name: string): void {
    const entry = this.#parts.states.get(partitionOf(key))?.keys.get(key)
    if (entry === undefined) return
    entry.tick = this.#parts.ticks.now
    this.#parts.timers.clear(entry, name)
  }

  forget(key: string): void {
    const partition = this.#parts.states.get(partitionOf(key))
    if (partition !== undefined) this.#drop(partition, key)
  }

  async #skipFirst(): Promise<void> {
    // Over a socket it comes a moment later.
    while (!this.#reader.next()) {
      if (this.#isStopping || this.#reader.isClosed) return
      await this.#sleep(() => this.#reader.wait())
    }
    await this.#loop.skip()
    await this.#rest.yieldNow()
  }

  async #turn(): Promise<void> {
    const began = performance.now()
    if (this.#gaps.length > 0) await this.#tellGaps()
    const { lanes, outlet, handlers } = this.#parts
    const { tally } = handlers
    const before = tally.messagesProcessed + tally.errors
    const turned = this.#loop.turn()
    if (typeof turned !== 'string') await turned
    if (tally.messagesProcessed + tally.errors !== before) {
      tally.processingTimeMs += performance.now() - began
      tally.lastMessageTs = Date.now()
      this.#saver.look()
    }
    if (turned === 'empty') await this.#sleep(() => this.#reader.wait())
    else if (turned === 'full') await this.#sleep(() => Promise.all([lanes.room(), outlet.room()]))
    // The line to the group is written when the event loop turns.
    await (this.#loop.isCareful ? this.#rest.yieldNow() : this.#rest.yield())
  }

  async #sleep(what: () => Promise<unknown>): Promise<void> {
    if (!this.#isStopping) await this.#rest.sleep(what)
  }

  #begin(): void {
    const { settings } = this.#options.begin
    this.#saver.start()
    const tell = (): void => this.#options.post({ kind: 'stats', stats: this.stats() })
    this.#timers.push(setInterval(tell, settings.statsEveryMs).unref())
    if (settings.evictAfterMs !== Infinity) {
      const look = (): void => this.#eviction.takeIdle(performance.now())
      this.#timers.push(setInterval(look, this.#eviction.idleStepMs).unref())
    }
    this.#options.post({ kind: 'begun' })
  }

  #grant(grant: Grant, isSaved: boolean): void {
    const { partition, failed } = this.#intake.adopt(grant, isSaved)
    // Were it to end before they are told, the next life is to tell them: states stand at the grant until then.
    const open = (): (() => void) => this.#loop.open(partition, grant.sequence + 1)
    for (const key of failed) {
      const entry = partition.keys.get(key)!
      const told = open()
      this.#gaps.push(() => this.#loop.tell(entry, { reason: 'restore', count: undefined }, told))
    }
    const { gap: reason } = grant
    if (reason === undefined) return
    const told = open()
    this.#gaps.push(() => this.#loop.tellAll(partition, { reason, count: undefined }, told))
  }

  #reset(partition: PartitionStates<State>): void {
    for (const key of [...partition.keys.keys()]) this.#drop(partition, key)
    this.#options.post({ kind: 'cleared', partition: partition.number })
  }

  async #tellGaps(): Promise<void> {
    for (let tell = this.#gaps.shift(); tell !== undefined && !this.#isStopping; tell = this.#gaps.shift()) {
      await tell()
      await this.#rest.yield()
    }
  }

  #admit(partition: PartitionStates<State>, key: string, now: number): KeyEntry<State> | undefined {
    const { handlers, states, ticks } = this.#parts
    const made = handlers.init(key)
    if (made === undefined) return undefined
    const entry = new KeyEntry(key, made.state, 0, ticks.now, now)
    states.put(partition, entry)
    // Not itself.
    entry.inHand++
    this.#eviction.makeRoom()
    entry.inHand--
    return entry
  }

  #evict(partition: PartitionStates<State>, entry: KeyEntry<State>): void {
    this.#drop(partition, entry.key)
    this.#parts.handlers.evict(entry)
  }

  #drop(partition: PartitionStates<State>, key: string): void {
    const { settings, states, ticks } = this.#parts
    states.drop(partition, key, settings.snapshots || partition.copies > 0 ? ticks.now : undefined)
  }

  #answer(id: number, answer: Parameters<LifeParts<State>['answer']>[1]): void {
    const { post } = this.#options
    try {
      post({ kind: 'answer', id, answer })
    } catch (thrown) {
      post({ kind: 'answer', id, answer: { error: errorToWire(thrown) } })
    }
  }
}
