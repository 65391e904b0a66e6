import { toMs, type Duration } from '../core/duration.ts'
import { StateError } from '../core/errors.ts'
import { Worker } from '../worker/worker.ts'
import { childScope } from '../worker/placement/child-scope.ts'
import { isControl, type Begin, type FromWorkerBody, type ToWorker } from './control.ts'
import type { Gap } from './gap.ts'
import type { SlotDoor } from './slot-door.ts'
import { openSlotReader } from './slot-reader.ts'
import type { StreamHooks } from './stream-hooks.ts'
import { StreamLife } from './stream-life.ts'
import type { StreamMessage } from './stream-message.ts'
import type { WorkerStats } from './worker-stats.ts'

/**
 * Handles messages that have a key, each key's in their order, with a state for each key:
 *
 *     export class Totals extends StreamWorker<{ sum: number }> {
 *       static override module = import.meta.url
 *       override init() { return { sum: 0 } }
 *       override process(message, state) { state.sum += Number(message.text()) }
 *       override query(key, request, state) { return state?.sum }
 *     }
 *     const totals = new StreamGroup(Totals, { workers: 4, placement: 'thread' })
 *
 * A `StreamGroup` makes it, as often as it has slots, in the placement that it is given. `setup`, `teardown` and
 * `lifecycle` are those of every worker; `main` is the reading of messages, and not to be overridden.
 */
export abstract class StreamWorker<State = object, Options extends object = object> extends Worker<Options> {
  /** The file that exports the class: `static override module = import.meta.url`. Needed in a thread or process. */
  static readonly module: string | undefined = undefined

  #epoch = 0
  /** What was said before there was a life to hear it. */
  #early: ToWorker[] = []
  #begun = Promise.withResolvers<Begin>()
  #life: StreamLife<State> | undefined
  #before = { processed: 0, failed: 0 }

  override get processedCount(): number {
    return this.#before.processed + (this.#life?.stats().messagesProcessed ?? 0)
  }

  override get errorCount(): number {
    return this.#before.failed + (this.#life?.stats().errors ?? 0)
  }

  /** The figures of the present life; undefined before it has begun. */
  get stats(): WorkerStats | undefined {
    return this.#life?.stats()
  }

  /** The state of a key that has none yet: an object, which `process` changes. Must be synchronous. */
  protected abstract init(key: string): State

  /**
   * Handles one message. What it throws, or rejects with, is counted and reported, and the next message is handled. A
   * handler that is not asynchronous should not give a promise: it costs as much as the rest of the way.
   */
  protected abstract process(message: StreamMessage, state: State): void | Promise<void>

  /**
   * When there is one, it is called instead of `process`, with what there is to be read up to `batchSize`; the states
   * are in the same order as the messages. What it throws counts for all of them. Needs a concurrency of 1: with more
   * the group is not made, and says so.
   */
  protected processBatch?(messages: readonly StreamMessage[], states: readonly State[]): void | Promise<void>

  /**
   * Messages of this key are missing: the state may have to be made anew from elsewhere. Called in the place of what is
   * missing, before the next message of the key. Default: nothing.
   */
  protected onGap(_key: string, _gap: Gap, _state: State): void | Promise<void> {}

  /**
   * Answers `group.query(key, request)`, in order with the messages of the key.
   * @param state undefined for a key without one.
   * @returns what can be copied to the group. Default: the state.
   */
  protected query(_key: string, _request: unknown, state: State | undefined): unknown {
    return state
  }

  /** A timer of `setTimer` is due. Default: nothing. */
  protected onTimer(_key: string, _name: string, _state: State): void | Promise<void> {}

  /** The state of the key is thrown away, to make room or because it was idle. Default: nothing. */
  protected onEvict(_key: string, _state: State): void {}

  /** Hears each failure of a handler, also those that are not logged one by one. Default: nothing. */
  protected onError(_error: Error, _key: string): void {}

  /**
   * The state as data, for the store and for other workers: bytes or a text are fastest, anything that structured clone
   * takes will do; undefined for a state that need not be kept. Default: the state itself. Must be synchronous.
   */
  protected snapshot(_key: string, state: State): unknown {
    return state
  }

  /** The state again, from what `snapshot` gave. Default: that itself. Must be synchronous. */
  protected restore(_key: string, snapshot: unknown): State {
    return snapshot as State
  }

  /**
   * Emits to an output of the group: another stream, or a queue. A message counts as done when what it emitted has
   * arrived there; after a crash it may be emitted again.
   * @throws StateError for an output that the group does not have, and when the worker does not run.
   */
  protected emit(output: string, key: string, data: unknown): void {
    this.#running().outlet.emit(output, key, data)
  }

  /**
   * Calls `onTimer` for a key later, in order with its messages. It goes with the state of the key to other workers, and
   * is gone when that is evicted. A timer of that name that was set before is replaced.
   * @throws StateError when the key has no state.
   */
  protected setTimer(key: string, delay: Duration, name = 'timer'): void {
    const ms = toMs(delay, 'delay')
    if (this.#running().setTimer(key, name, ms)) return
    throw new StateError(`expected key ${key} to have a state here before a timer is set for it`)
  }

  protected clearTimer(key: string, name = 'timer'): void {
    this.#running().clearTimer(key, name)
  }

  /** Throws the state of a key away; its next message makes a new one. `onEvict` is not called. */
  protected forget(key: string): void {
    this.#running().forget(key)
  }

  protected override receive(message: unknown): void {
    if (!isControl(message)) return
    const said = message as ToWorker
    if (said.epoch < this.#epoch) return
    if (said.epoch > this.#epoch) {
      this.#epoch = said.epoch
      this.#early = []
    }
    if (this.#life !== undefined) return this.#life.hear(said)
    if (said.kind === 'begin') this.#begun.resolve(said.begin)
    else this.#early.push(said)
  }

  protected override onQuiet(isQuiet: boolean): void {
    this.#life?.quiet(isQuiet)
  }

  protected override async main(): Promise<void> {
    const begin = await Promise.race([this.#begun.promise, stopOf(this.signal)])
    if (begin === undefined) return
    const reader = await openSlotReader(begin.door as SlotDoor)
    const epoch = this.#epoch
    const life = new StreamLife<State>({
      ...{ hooks: this.#hooks(), begin, epoch, reader, isProcess: childScope()?.placement === 'process' },
      post: (message: FromWorkerBody) => this.message({ stream: true, epoch, ...message }),
      onError: (error, key, further) => this.#report(error, key, further),
    })
    const stop = (): void => life.stop()
    this.signal.addEventListener('abort', stop)
    if (this.signal.aborted) stop()
    this.#life = life
    for (const said of this.#early.splice(0)) life.hear(said)
    life.quiet(this.isQuiet)
    try {
      await life.run()
    } finally {
      this.signal.removeEventListener('abort', stop)
      life.close()
      const { messagesProcessed, errors } = life.stats()
      this.#before.processed += messagesProcessed
      this.#before.failed += errors
      this.#life = undefined
      this.#begun = Promise.withResolvers()
    }
  }

  #running(): StreamLife<State> {
    if (this.#life !== undefined) return this.#life
    throw new StateError(`expected worker ${this.name} to have begun to read messages; it is ${this.state}`)
  }

  #hooks(): StreamHooks<State> {
    const batch = this.processBatch?.bind(this)
    return {
      init: (key) => this.init(key),
      process: (message, state) => this.process(message, state),
      processBatch: batch,
      onGap: (key, gap, state) => this.onGap(key, gap, state),
      query: (key, request, state) => this.query(key, request, state),
      onTimer: (key, name, state) => this.onTimer(key, name, state),
      onEvict: (key, state) => this.onEvict(key, state),
      onError: (error, key) => this.onError(error, key),
      snapshot: (key, state) => this.snapshot(key, state),
      restore: (key, snapshot) => this.restore(key, snapshot),
    }
  }

  #report(error: Error, key: string, further: number): void {
    const others = further === 0 ? '' : `, and ${further} others since`
    this.logger.error({ err: error, key, further }, `handling failed for key ${key}${others}`)
    void this.notify({ type: 'error', worker: this.name, error })
  }
}

/** Resolves when `signal` aborts. */
function stopOf(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
