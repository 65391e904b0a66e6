import { toMs, type Duration } from '../core/duration.ts'
import { ShutdownError, StateError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { randomText } from '../core/id.ts'
import { createLogger, type Logger } from '../core/logger.ts'
import { settledWithin } from '../core/sleep.ts'
import type { KillCause } from '../core/telemetry.ts'
import { Lane } from '../server/lane.ts'
import { WorkerGroup } from '../server/worker-group.ts'
import type { WorkerHandle } from '../worker/handle.ts'
import { defaultName } from '../worker/name.ts'
import { Notice, type FromWorker } from './control.ts'
import type { Gap } from './gap.ts'
import { groupStats, type StreamGroupStats } from './group-stats.ts'
import { GroupSlot, type SlotHost } from './group-slot.ts'
import { MessageRouter } from './message-router.ts'
import { Mover } from './mover.ts'
import { Outputs } from './outputs.ts'
import { Ownership } from './ownership.ts'
import { placedClass, type StreamWorkerClass } from './placed-class.ts'
import { Queries } from './queries.ts'
import { Rebalance } from './rebalance.ts'
import { grantsOf } from './recovery.ts'
import { SnapshotKeeper } from './snapshot-keeper.ts'
import type { StreamGroupEvents } from './stream-group-events.ts'
import { checkStreamGroup, type CheckedStreamGroup, type StreamGroupOptions } from './stream-group-options.ts'

const STATS_MS = 1000

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
    this.#host = this.#makeHost()
    for (const [index, { id }] of this.status().entries()) this.#add(id, this.handles[index]!)
    this.events.on('placed', ({ slot, handle }) => this.#add(slot, handle))
    this.#assign(this.#ownership.wanted([...this.#slots.keys()]))
  }

  /**
   * Sends a message to the worker of its key; see `MessageRouter.route`.
   * @throws StateError while the group stops.
   */
  route(key: string, data: string | Uint8Array): Promise<void> | undefined {
    if (this.#isClosing) throw new StateError(`expected group ${this.name} to take messages, it stops`)
    return this.#router.route(key, data)
  }

  /** Resolves when all that was routed before is handled or dropped. */
  settled(): Promise<void> {
    return this.#router.settled()
  }

  /**
   * Asks the worker of a key for what its `query` gives, in order with the messages of the key.
   * @param request data for JSON.
   * @param options.timeout default: 1s.
   * @throws MillhandError REQUEST_TIMEOUT; what the worker's `query` threw.
   */
  query(key: string, request?: unknown, options: { readonly timeout?: Duration } = {}): Promise<unknown> {
    const timeoutMs = toMs(options.timeout ?? '1s', 'timeout')
    if (this.#isClosing) throw new StateError(`expected group ${this.name} to take queries, it stops`)
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
      this.#abort = new AbortController()
    }
    await super.start()
    await Promise.race([this.#allLive(), this.ended()])
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
        for (const slot of slots.slice(n)) {
          this.#slots.get(slot)?.close()
          this.#slots.delete(slot)
          this.#router.removeSlot(slot)
        }
        return
      }
      try {
        await super.scale(n)
      } finally {
        if (this.isAlive) await Promise.race([this.#allLive(), this.ended()])
        await this.#spread([...this.#slots.keys()])
      }
    })
  }

  #makeHost(): SlotHost {
    const { settings, maxCrashes } = this.#checked
    const gaps = new Map<GroupSlot, number>()
    return {
      ...{ logger: this.#logger, maxCrashes },
      prepare: async (slot) => {
        const grants = await grantsOf(slot, this.#router, this.#ownership, this.#keeper)
        gaps.set(slot, grants.filter(({ gap }) => gap !== undefined).length)
        return { settings, outputs: this.#outputs.names, grants }
      },
      onLive: (slot, error) => {
        if (error === undefined) return
        this.streamEvents.emit('recovered', { slot: slot.id, error, gaps: gaps.get(slot) ?? 0 })
      },
      onDeath: (slot) => this.#mover.onDeath(slot),
      onPoison: (slot) => {
        this.#logger.error({ slot: slot.id }, 'a message of which worker after worker died is skipped')
        this.streamEvents.emit('poison', { slot: slot.id })
      },
      hear: (slot, message) => this.#hear(slot, message),
    }
  }

  #add(id: number, handle: WorkerHandle): void {
    const link = this.#router.addSlot(id, this.#checked.placement)
    this.#slots.set(id, new GroupSlot(id, handle, link, this.#host))
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

  #closed(): void {
    this.#abort.abort(new ShutdownError(`group ${this.name} has ended`))
    this.#queries.close()
  }

  #hear(slot: GroupSlot, message: FromWorker): void {
    switch (message.kind) {
      case 'answer':
        return this.#queries.answer(message.id, message.answer)
      case 'snapshot':
        return this.#keeper.save(message.batch)
      case 'saved':
        return this.#keeper.complete(message.partition, message.sequence)
      case 'cleared':
        return this.#keeper.clear(message.partition)
      case 'stats':
        return this.streamEvents.emit('stats', { slot: slot.id, stats: message.stats })
      case 'emit': {
        const { epoch } = message
        const taken = this.#outputs.take(message.items, this.#abort.signal)
        return void taken.then(() => slot.taken(epoch, message.items.length))
      }
      case 'states':
      case 'copied':
      case 'released':
      case 'granted':
        return this.#mover.hear(slot, message)
      case 'begun':
    }
  }
}
