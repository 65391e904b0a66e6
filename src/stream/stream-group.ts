import { toMs, type Duration } from '../core/duration.ts'
import { ShutdownError, StateError, type MillhandError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { randomText } from '../core/id.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import type { KillCause } from '../core/telemetry.ts'
import { Lane } from '../server/lane.ts'
import { WorkerGroup } from '../server/worker-group.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import { defaultName } from '../worker/name.ts'
import { Notice } from './control.ts'
import type { Gap } from './gap.ts'
import { GroupFailure } from './group-failure.ts'
import { groupStats, type StreamGroupStats } from './group-stats.ts'
import { GroupSlot, type SlotHost } from './group-slot.ts'
import { MessageRouter } from './message-router.ts'
import { Mover } from './mover.ts'
import { Outputs } from './outputs.ts'
import { Ownership } from './ownership.ts'
import { placedClass, type StreamWorkerClass } from './placed-class.ts'
import { Queries } from './queries.ts'
import { Rebalance } from './rebalance.ts'
import { slotHost } from './slot-host.ts'
import { SnapshotKeeper } from './snapshot-keeper.ts'
import type { StreamGroupEvents } from './stream-group-events.ts'
import { checkStreamGroup, type CheckedStreamGroup, type StreamGroupOptions } from './stream-group-options.ts'

const STATS_MS = 1000
/** So long the other workers may take to end when one was given up. */
const STOP_MS = 30_000

/**
 * Workers of a keyed stream: each message goes to the worker of its key, in order; each key has a state there.
 *
 *     const books = new StreamGroup(Books, { workers: 4 })
 *     await books.start()
 *     await books.route('AAPL', '{"price":"231.40"}')
 *     await books.query('AAPL', { depth: 10 })
 *     await books.scale(8)
 *     await books.stop()
 *
 * A worker that dies is replaced: the next one goes on with the states that were saved last and with the first message
 * that was not done; keys whose state is older than that are told of a gap.
 */
export class StreamGroup<Options extends object = object> extends WorkerGroup<Options> {
  readonly streamEvents: Emitter<StreamGroupEvents> = new Emitter()
  readonly #checked: CheckedStreamGroup
  readonly #router: MessageRouter
  readonly #keeper: SnapshotKeeper
  readonly #mover: Mover
  readonly #queries: Queries
  readonly #outputs: Outputs
  readonly #logger: Logger
  readonly #slots = new Map<number, GroupSlot>()
  readonly #ownership = new Ownership()
  /** Slots that come and go take turns. */
  readonly #steps = new Lane()
  readonly #host: SlotHost
  readonly #rebalance: Rebalance
  readonly #failure = new GroupFailure()
  #abort = new AbortController()
  #isClosing = false

  /** @throws InvalidOptionError naming the option. */
  constructor(workerClass: StreamWorkerClass, options?: StreamGroupOptions<Options>) {
    const checked = checkStreamGroup(options)
    super(placedClass(workerClass, checked.placement, checked.settings.concurrency), {
      name: defaultName(workerClass.name),
      ...checked.group,
    })
    this.#checked = checked
    this.#logger = (options?.logger ?? createLogger()).child({ group: this.name })
    this.#router = new MessageRouter(checked.router)
    this.#router.events.pipe(this.streamEvents)
    this.#keeper = new SnapshotKeeper(checked.store, randomText(16), this.#logger)
    this.#outputs = new Outputs(checked.outputs, this.#logger)
    this.#queries = new Queries((key, id, request) => this.#router.query(key, id, request))
    this.#mover = new Mover({
      ...{ router: this.#router, keeper: this.#keeper, logger: this.#logger },
      own: (partition, slot, lost) => this.#ownership.own(partition, slot, lost),
      onMoved: (moved) => this.streamEvents.emit('moved', moved),
    })
    this.#rebalance = new Rebalance({
      ...{ ownership: this.#ownership, mover: this.#mover, slots: this.#slots },
      ended: () => this.ended(),
      isOpen: () => this.isAlive && !this.#isClosing,
      onMoved: (partition) => {
        if (!checked.settings.snapshots) this.#keeper.clear(partition)
      },
    })
    this.#host = slotHost({
      ...{ settings: checked.settings, maxCrashes: checked.maxCrashes, logger: this.#logger },
      ...{ router: this.#router, ownership: this.#ownership, keeper: this.#keeper, mover: this.#mover },
      ...{ queries: this.#queries, outputs: this.#outputs, events: this.streamEvents },
      signal: () => this.#abort.signal,
    })
    for (const [index, { id }] of this.status().entries()) this.#add(id, this.handles[index]!)
    this.events.on('placed', ({ slot, handle }) => this.#add(slot, handle))
    this.events.on('failed', ({ worker, error, reason }) => {
      this.#failure.fail(this.name, worker, reason, error)
      void this.#end()
    })
    this.#assign(this.#ownership.wanted([...this.#slots.keys()]))
  }

  /**
   * Sends a message to the worker of its key; see `MessageRouter.route`.
   * @throws StateError while the group stops; MillhandError WORKER_EXITED, also of what it gives, when the group has
   * ended since one of its workers was given up, with what that failed with as its `cause`.
   */
  route(key: string, data: string | Uint8Array): Promise<void> | undefined {
    if (this.#isClosing) throw this.#closedError('messages')
    const waiting = this.#router.route(key, data)
    return waiting === undefined ? undefined : this.#failure.orFailed(waiting)
  }

  /** Resolves when all that was routed before is handled or dropped. @throws WORKER_EXITED as `route` does. */
  settled(): Promise<void> {
    return this.#failure.orFailed(this.#router.settled())
  }

  /**
   * Asks the worker of a key for what its `query` gives, in order with the messages of the key.
   * @param request data for JSON.
   * @param options.timeout default: 1s.
   * @throws MillhandError REQUEST_TIMEOUT, or WORKER_EXITED as `route` does; what the worker's `query` threw.
   */
  query(key: string, request?: unknown, options: { readonly timeout?: Duration } = {}): Promise<unknown> {
    const timeoutMs = toMs(options.timeout ?? '1s', 'timeout')
    if (this.#isClosing) throw this.#closedError('queries')
    return this.#queries.ask(key, request, timeoutMs)
  }

  /** Drops the states of all keys of these partitions: somebody else has them now. */
  forget(partitions: readonly number[]): void {
    for (const partition of partitions) this.#keeper.clear(partition)
    this.#tell(partitions, 'moved', Notice.reset)
  }

  /** Each key of these partitions is told of a gap before its next message. */
  gap(partitions: readonly number[], reason: 'moved' | 'lost'): void {
    this.#tell(partitions, reason, Notice.gap)
  }

  /** All workers read messages. */
  isHealthy(): boolean {
    return this.isAlive && [...this.#slots.values()].every(({ isLive }) => isLive)
  }

  /** How many workers read messages. */
  getAliveCount(): number {
    return [...this.#slots.values()].filter(({ isLive }) => isLive).length
  }

  /** The figures of now; of a worker that does not answer within a second, those that it told last. */
  async getStats(): Promise<StreamGroupStats> {
    const slots = [...this.#slots.values()]
    const live = slots.filter(({ isLive }) => isLive)
    await Promise.all(live.map((slot) => settledWithin(slot.askStats(), STATS_MS)))
    return groupStats(slots, this.#router.stats())
  }

  /** Starts all workers, and resolves when all of them read messages. Rejects as that of a group. */
  override async start(): Promise<void> {
    if (!this.isAlive) {
      this.#isClosing = false
      this.#failure.clear()
      this.#abort = new AbortController()
    }
    await super.start()
    await Promise.race([this.#allLive(), this.ended()])
    if (this.#failure.error !== undefined) throw this.#failure.error
  }

  /**
   * Takes no messages from now on, has what was taken handled, then stops the workers. Never rejects.
   * @param options.timeout then they are killed; what is not handled is lost. Default: none, however long.
   */
  override async stop(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const ms = options.timeout === undefined ? Infinity : toMs(options.timeout, 'timeout')
    const end = performance.now() + ms
    this.#isClosing = true
    this.#mover.cancel()
    if (this.isAlive) await this.#within(ms, Promise.race([this.#router.settled(), this.ended()]))
    const left = end - performance.now()
    await super.stop(left === Infinity ? {} : { timeout: Math.max(0, left) })
    await this.#within(Math.max(0, end - performance.now()), this.#keeper.settled())
    this.#closed()
  }

  override async kill(cause: KillCause): Promise<void> {
    this.#isClosing = true
    this.#mover.cancel()
    await super.kill(cause)
    this.#closed()
  }

  /**
   * Adds or drains workers while messages go on: partitions move one by one with the states of their keys, whose order
   * is kept. Resolves when all are where they belong.
   * @throws as that of a group; ShutdownError when the group stops meanwhile.
   */
  override scale(n: number): Promise<void> {
    return this.#steps.run(async () => {
      const slots = [...this.#slots.keys()].sort((a, b) => a - b)
      if (Number.isInteger(n) && n >= 1 && n < slots.length) {
        await this.#spread(slots.slice(0, n))
        await super.scale(n)
        return this.#dropGone()
      }
      try {
        await super.scale(n)
      } finally {
        this.#dropGone()
        if (this.isAlive) await Promise.race([this.#allLive(), this.ended()])
        await this.#spread([...this.#slots.keys()])
      }
    })
  }

  #add(id: number, handle: WorkerHandle): void {
    const link = this.#router.addSlot(id, this.#checked.placement)
    this.#slots.set(id, new GroupSlot(id, handle, link, this.#host))
  }

  /** Of slots that there are no more, and of one whose worker could not start. */
  #dropGone(): void {
    const left = new Set(this.status().map(({ id }) => id))
    for (const [id, slot] of this.#slots) {
      if (left.has(id)) continue
      slot.close()
      this.#slots.delete(id)
      this.#router.removeSlot(id)
    }
  }

  /** While no worker runs. */
  #assign(wanted: ReadonlyMap<number, number>): void {
    for (const [partition, slot] of wanted) {
      this.#ownership.own(partition, slot, this.#ownership.lost(partition))
      this.#router.assign(partition, slot)
    }
  }

  async #allLive(): Promise<void> {
    await Promise.all([...this.#slots.values()].map((slot) => slot.live()))
  }

  /** @throws ShutdownError when the group stops meanwhile. */
  async #spread(slots: readonly number[]): Promise<void> {
    const wanted = this.#ownership.wanted(slots)
    if (this.isAlive) await this.#rebalance.run(wanted)
    else this.#assign(wanted)
  }

  /** In order with the messages. */
  #tell(partitions: readonly number[], reason: Gap['reason'], token: number): void {
    for (const partition of partitions) {
      this.#ownership.lose(partition, reason)
      this.#router.notice(partition, token, reason)
    }
  }

  /** @returns when `what` is done, or `ms` are over. */
  async #within(ms: number, what: Promise<unknown>): Promise<void> {
    const done = what.catch(() => {})
    await (ms === Infinity ? done : settledWithin(done, ms))
  }

  /** Without one of the workers its keys have none, and nobody should wait for that. */
  async #end(): Promise<void> {
    this.#isClosing = true
    this.#logger.error({ err: this.#failure.error }, 'the group ends: messages of some keys have no worker')
    this.#mover.cancel()
    this.#queries.close(this.#failure.error)
    await super.stop({ timeout: this.stopTimeoutMs ?? STOP_MS })
    await this.#keeper.settled()
    this.#closed()
  }

  #closed(): void {
    this.#abort.abort(new ShutdownError(`group ${this.name} has ended`))
    this.#queries.close(this.#failure.error)
  }

  #closedError(what: string): MillhandError {
    return this.#failure.error ?? new StateError(`expected group ${this.name} to take ${what}, it stops`)
  }
}
