import { ShutdownError, show, StateError, type MillhandError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import type { Placement } from '../worker/status.ts'
import { roomFor, type Entry, type Room } from './backlog.ts'
import { DropCounts } from './drop-counts.ts'
import { Frame } from './frame.ts'
import { KeyTable } from './key-table.ts'
import { latencyOf } from './latency.ts'
import { dataError, keyError } from './message-checks.ts'
import { monotonicMs } from './monotonic-ms.ts'
import { Outbox } from './outbox.ts'
import type { OutboxHost, Planned } from './outbox-host.ts'
import { PARTITIONS } from './partition.ts'
import { Pause } from './pause.ts'
import { RingMemory } from './ring-memory.ts'
import type { Route } from './route.ts'
import { checkRouterOptions, type CheckedRouter, type RouterOptions } from './router-options.ts'
import { countsOf, slotStats, type RouterStats } from './router-stats.ts'
import { SlotLink } from './slot-link.ts'

export interface RouterEvents {
  /** Messages of a key were dropped, and its worker is told; an empty key stands for several of the partition. */
  dropped: { slot: number; partition: number; key: string; count: number }
  /** Nothing fits at a slot any more; and again it does. */
  full: { slot: number }
  drained: { slot: number }
}

interface SlotEntry {
  readonly outbox: Outbox
  readonly link: SlotLink
}

/**
 * Brings messages to the workers that own their keys: all messages of a key to one worker, in order.
 *
 *     await router.route('AAPL', '{"price":"231.40"}')
 *
 * Keys are divided into 1,024 partitions and those are assigned to slots; what a partition without a slot is sent
 * waits. Each slot has a ring, which its worker reads: in memory that both share, or over a socket.
 */
export class MessageRouter {
  readonly events: Emitter<RouterEvents> = new Emitter()
  readonly #options: CheckedRouter
  readonly #keys = new KeyTable()
  /** The slot of each partition, -1 for none; and where what is routed to it goes. */
  readonly #owners = new Int32Array(PARTITIONS).fill(-1)
  readonly #routes: Route[]
  readonly #slots = new Map<number, SlotEntry>()
  readonly #pauseRoom: Room
  readonly #drops = new DropCounts()
  readonly #host: OutboxHost
  /** Outboxes that have something to publish. */
  #planned: Planned[] = []
  readonly #publishPlanned = (): void => this.flush()
  /** Of slots that are gone, and of no slot. */
  #routedElsewhere = 0
  #refused = 0
  #isClosed = false

  /** @throws InvalidOptionError naming the option. */
  constructor(options?: RouterOptions) {
    const checked = checkRouterOptions(options)
    this.#options = checked
    // What waits to be let in has as much room again.
    const share = checked.overflow === 'block' ? 2 : 1
    this.#pauseRoom = roomFor(share * checked.maxMessages, share * checked.maxBytes)
    this.#host = {
      options: checked,
      sequences: new Float64Array(PARTITIONS),
      now: monotonicMs(),
      plan: (planned) => this.#plan(planned),
      onDrop: (_partition, key) => this.#drops.add(key),
      onGap: (slot, partition, key, count) => this.events.emit('dropped', { slot, partition, key, count }),
      onFull: (slot, isFull) => this.events.emit(isFull ? 'full' : 'drained', { slot }),
    }
    this.#routes = Array.from({ length: PARTITIONS }, () => this.#newPause())
  }

  /**
   * Sends a message to the worker of its key. Bytes are copied.
   * @param key not empty, of at most 65,535 bytes in UTF-8.
   * @returns undefined when the message is on its way. With overflow 'block' a promise when there is no room: it
   * resolves when there is, and the message is in its place already.
   * @throws InvalidOptionError for a wrong key or payload; MillhandError PAYLOAD_TOO_LARGE, or QUEUE_FULL when nobody
   * awaits the promises; StateError once the router is closed.
   */
  route(key: string, data: string | Uint8Array): Promise<void> | undefined {
    const known = this.#keys.get(key)
    const wrong =
      (known === undefined ? keyError(key) : undefined) ?? dataError(key, data, this.#options.maxMessageBytes)
    if (wrong !== undefined) this.#refuse(wrong)
    const partition = known === undefined ? this.#keys.miss(key) : known.partition
    if (this.#isClosed) throw this.#closedError()
    const kind = typeof data === 'string' ? Frame.text : Frame.bytes
    return this.#routes[partition]!.accept(kind, partition, key, known, data)
  }

  /** Adds a slot, which owns nothing yet. @throws StateError when there is one of that number. */
  addSlot(slot: number, placement: Placement): SlotLink {
    if (this.#isClosed) throw this.#closedError()
    if (this.#slots.has(slot)) throw new StateError(`expected slot ${slot} to be new, there is one already`)
    const outbox = new Outbox(slot, RingMemory.ofCapacity(this.#options.capacity), this.#host)
    const link = new SlotLink(outbox, placement)
    this.#slots.set(slot, { outbox, link })
    return link
  }

  /** @throws StateError when it owns partitions, or its worker is not done with everything. */
  removeSlot(slot: number): void {
    const { outbox, link } = this.#slotOf(slot)
    const owned = this.#owned(slot)
    if (owned > 0 || outbox.depth > 0) {
      throw new StateError(
        `expected slot ${slot} to own and hold nothing to be removed, it owns ${owned} partitions and holds ${outbox.depth}`,
      )
    }
    this.#slots.delete(slot)
    this.#routedElsewhere += outbox.routed
    link.close()
    outbox.close(this.#closedError())
  }

  /** The slots that there are. */
  slots(): number[] {
    return [...this.#slots.keys()]
  }

  /** Undefined when nothing was assigned yet. */
  owner(partition: number): number | undefined {
    const slot = this.#owners[partition]!
    return slot < 0 ? undefined : slot
  }

  /** What is routed to the partition goes to this slot from now on, first of all what has waited. */
  assign(partition: number, slot: number): void {
    const { outbox } = this.#slotOf(slot)
    const route = this.#routes[partition]
    this.#owners[partition] = slot
    this.#routes[partition] = outbox
    if (route instanceof Pause) route.end(outbox)
  }

  /** What is routed to the partition waits from now on. Harmless twice. */
  pause(partition: number): void {
    if (!(this.#routes[partition] instanceof Pause)) this.#routes[partition] = this.#newPause()
  }

  isPaused(partition: number): boolean {
    return this.#routes[partition] instanceof Pause
  }

  /** Ends a pause. @param slot the owner from now on. Default: as before. */
  resume(partition: number, slot: number = this.#owners[partition]!): void {
    this.assign(partition, slot)
  }

  /** Sends a mark behind everything that was routed to the slot. */
  barrier(slot: number, token: number): void {
    this.#control(this.#slotOf(slot).outbox, Frame.barrier, 0, '', token, '')
  }

  /**
   * Sends a mark in front of what a partition that is paused will send to the slot: there the life of that epoch waits
   * for the grant of this number.
   * @returns false when the slot has no room: then nothing was done.
   */
  mark(partition: number, slot: number, id: number, epoch: number): boolean {
    const { outbox } = this.#slotOf(slot)
    // Were it to wait for room, what is dropped behind it could be told in front of it.
    return outbox.controlNow(entryOf(Frame.grant, partition, id, String(epoch)))
  }

  /** Tells the worker of a partition something, behind all that was routed to the partition. It is never dropped. */
  notice(partition: number, token: number, text: string): void {
    this.#control(this.#routes[partition]!, Frame.notice, partition, '', token, text)
  }

  /**
   * Sends a question in order with the messages of the key. It is never dropped.
   * @throws as `route` does.
   */
  query(key: string, id: number, request: string): void {
    if (this.#isClosed) throw this.#closedError()
    const known = this.#keys.get(key)
    const wrong =
      (known === undefined ? keyError(key) : undefined) ??
      dataError(key, request, this.#options.maxMessageBytes)
    if (wrong !== undefined) this.#refuse(wrong)
    const partition = known?.partition ?? this.#keys.miss(key)
    this.#control(this.#routes[partition]!, Frame.query, partition, key, id, request)
  }

  /**
   * Resolves when all that was routed before is handled or dropped, by whichever life of its worker.
   * @throws ShutdownError when the router is closed before that.
   */
  async settled(): Promise<void> {
    const pauses = this.#routes.filter((route) => route instanceof Pause && route.size > 0) as Pause[]
    const outboxes = [...this.#slots.values()].map(({ outbox }) => outbox.settled())
    await Promise.all([...pauses.map(({ ended }) => ended), ...outboxes])
    // What was paused is at the end of some outbox now.
    if (pauses.length > 0) await Promise.all([...this.#slots.values()].map(({ outbox }) => outbox.settled()))
  }

  /** The sequence of the last message or gap of the partition that was written into a ring; 0 before the first. */
  written(partition: number): number {
    return this.#host.sequences[partition]!
  }

  /** Lets the workers see now what was routed. Done by itself at the end of the tick, and after each 64 messages. */
  flush(): void {
    const planned = this.#planned
    this.#planned = []
    for (const each of planned) each.publish()
  }

  stats(): RouterStats {
    const outboxes = [...this.#slots.values()].map(({ outbox }) => outbox)
    const slots = outboxes.map((outbox) => slotStats(outbox, this.#owned(outbox.slot)))
    const paused = this.#routes.reduce((sum, route) => sum + (route instanceof Pause ? route.size : 0), 0)
    return {
      routed: slots.reduce((sum, { routed }) => sum + routed, this.#routedElsewhere),
      dropped: this.#drops.total,
      refused: this.#refused,
      depth: slots.reduce((sum, { depth }) => sum + depth, paused),
      paused,
      latency: latencyOf(outboxes.map(countsOf)),
      slots,
      droppedByKey: new Map(this.#drops.byKey),
    }
  }

  /** Takes nothing more. Whoever waits for room gets a ShutdownError. What is in the rings stays there. */
  close(): void {
    if (this.#isClosed) return
    this.flush()
    this.#isClosed = true
    const error = new ShutdownError('the router was closed')
    for (const route of this.#routes) if (route instanceof Pause) route.close(error)
    for (const { outbox, link } of this.#slots.values()) {
      link.close()
      outbox.close(error)
    }
  }

  #plan(planned: Planned): void {
    planned.isPlanned = true
    this.#host.now = monotonicMs()
    if (this.#planned.push(planned) === 1) queueMicrotask(this.#publishPlanned)
  }

  #newPause(): Pause {
    const { overflow, maxMessages } = this.#options
    return new Pause(overflow, this.#pauseRoom, maxMessages, {
      onDrop: ({ key }) => this.#drops.add(key),
      onRouted: () => this.#routedElsewhere++,
    })
  }

  #slotOf(slot: number): SlotEntry {
    const entry = this.#slots.get(slot)
    if (entry === undefined)
      throw new StateError(`expected slot ${slot} to be one of the router's, it has ${show(this.slots())}`)
    return entry
  }

  #owned(slot: number): number {
    return this.#owners.reduce((count, owner) => (owner === slot ? count + 1 : count), 0)
  }

  #control(
    route: Route,
    kind: Entry['kind'],
    partition: number,
    key: string,
    token: number,
    data: string,
  ): void {
    route.control({ ...entryOf(kind, partition, token, data), key })
  }

  #refuse(wrong: MillhandError): never {
    this.#refused++
    throw wrong
  }

  #closedError(): StateError {
    return new StateError('expected the router to be open, it was closed')
  }
}

function entryOf(kind: Entry['kind'], partition: number, token: number, data: string): Entry {
  return { kind, partition, key: '', token, data, conflated: 0 }
}
