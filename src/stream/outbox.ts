import { MillhandError } from '../core/errors.ts'
import { Backlog, roomFor, waitingMessage, type Entry, type Overflow } from './backlog.ts'
import { Frame, type FrameKind } from './frame.ts'
import type { KnownKey } from './key-table.ts'
import { monotonicMs } from './monotonic-ms.ts'
import type { OutboxHost } from './outbox-host.ts'
import type { RingMemory } from './ring-memory.ts'
import { ProgressWatch } from './progress-watch.ts'
import { RingWriter } from './ring-writer.ts'
import type { Route } from './route.ts'

/** Of a policy that drops, so many messages at most are with the worker; the others can still be dropped. */
const MOST_OFFERED = 1024
/** The reader sees what was written after so many frames, though the tick of the router goes on. */
const PUBLISH_FRAMES = 64
/** After so many, it is also woken: to wake costs as much as to write twenty or thirty frames. */
const WAKE_FRAMES = 512

/** All that is on its way to one slot: the ring, and in front of it, what does not fit at the moment. */
export class Outbox implements Route {
  readonly slot: number
  readonly writer: RingWriter
  readonly watch: ProgressWatch
  /** Sends what was published to a reader in another process. Resolves when more should come, if not at once. */
  send: (() => Promise<void> | undefined) | undefined
  /** Planned by the host; put back by `publish`. */
  isPlanned = false
  /** Messages that were routed here, and dropped here. */
  routed = 0
  dropped = 0
  readonly #host: OutboxHost
  readonly #overflow: Overflow
  readonly #backlog: Backlog
  /** Frames that may be in the ring. */
  readonly #limit: number
  readonly #put = (entry: Entry): boolean => this.#write(entry, undefined)
  readonly #onDrop: (of: { readonly partition: number; readonly key: string }) => void
  /** So many frames may be written before the progress of the reader is looked at again. */
  #quota = 0
  /** Frames that the reader does not see yet, and of those it does, those since it was last woken. */
  #unpublished = 0
  #unwoken = WAKE_FRAMES - PUBLISH_FRAMES
  #isFull = false
  /** The backlog is looked at again when the reader is done with so many frames. */
  #target = 0
  #emptied: PromiseWithResolvers<void> | undefined
  /** Resolved when so many have left the backlog. */
  readonly #marks: { readonly at: number; readonly left: PromiseWithResolvers<void> }[] = []
  #isPouring = false
  #congested: Promise<void> | undefined

  constructor(slot: number, ring: RingMemory, host: OutboxHost) {
    const { overflow, maxMessages, maxBytes } = host.options
    this.slot = slot
    this.writer = new RingWriter(ring)
    this.watch = new ProgressWatch(ring)
    this.#host = host
    this.#overflow = overflow
    const keepsBack = overflow === 'dropOldest' || overflow === 'conflate'
    this.#limit = keepsBack ? Math.max(1, Math.min(MOST_OFFERED, maxMessages >> 1)) : maxMessages
    const waiting = overflow === 'dropNewest' ? 0 : maxMessages - (keepsBack ? this.#limit : 0)
    this.#backlog = new Backlog(overflow, roomFor(waiting, maxBytes))
    this.#onDrop = ({ partition, key }) => {
      this.dropped++
      host.onDrop(partition, key, slot)
    }
  }

  /** Messages and others that the worker is not done with. */
  get depth(): number {
    return this.writer.depth + this.#backlog.size
  }

  get isFull(): boolean {
    return this.#isFull
  }

  accept(
    kind: FrameKind,
    partition: number,
    key: string,
    known: KnownKey | undefined,
    data: string | Uint8Array,
  ): Promise<void> | undefined {
    if (this.#isFull && this.#hasRoom()) this.#pour()
    if (!this.#isFull && this.#writeFrame(kind, partition, key, known, 0, data)) {
      this.routed++
      return this.#congested
    }
    return this.#wait(kind, partition, key, data)
  }

  control(entry: Entry): void {
    if (this.controlNow(entry)) return
    this.#backlog.push(entry)
    this.#fill()
  }

  /** @returns false when it would have to wait: then nothing was done. */
  controlNow(entry: Entry): boolean {
    if (this.#isFull && this.#hasRoom()) this.#pour()
    return !this.#isFull && this.#write(entry, undefined)
  }

  /** Takes what waited elsewhere, in front of what is routed here from now on. */
  adopt(backlog: Backlog): Promise<void> | undefined {
    const before = this.#backlog.size
    if (this.#isFull || !backlog.pour(this.#put)) {
      this.#backlog.adopt(backlog)
      this.#fill()
    }
    return this.#backlog.size > before ? this.emptied() : undefined
  }

  /** Resolves when nothing waits for room in the ring. */
  emptied(): Promise<void> | undefined {
    if (!this.#isFull) return undefined
    if (this.#emptied === undefined) {
      this.#emptied = Promise.withResolvers()
      // Nobody has to wait for it.
      this.#emptied.promise.catch(() => {})
    }
    return this.#emptied.promise
  }

  /** Resolves when all that was routed here before is handled or dropped. */
  async settled(): Promise<void> {
    if (this.#isFull) {
      const left = Promise.withResolvers<void>()
      this.#marks.push({ at: this.#backlog.added, left })
      await left.promise
    }
    this.publish()
    await this.watch.until(this.writer.framesWritten)
  }

  /** Resolves at a moment at which nothing is left. */
  async drained(): Promise<void> {
    while (this.depth > 0) await this.settled()
  }

  /** Lets the reader see what was written. */
  publish(): void {
    this.isPlanned = false
    this.#unpublished = 0
    if (this.writer.hasUnpublished) this.writer.publish()
    // It may begin with the first frames of the next tick.
    this.#unwoken = WAKE_FRAMES - PUBLISH_FRAMES
    this.writer.wake()
    void this.send?.()
  }

  /** Goes on in new memory, in which another reader finds what the last one was not done with. */
  renew(): RingMemory {
    const ring = this.writer.renew()
    this.#quota = 0
    this.watch.use(ring)
    return ring
  }

  /** Whoever waits here hears that nothing goes on. */
  close(error: Error): void {
    for (const { left } of this.#marks.splice(0)) left.reject(error)
    this.#emptied?.reject(error)
    this.#emptied = undefined
    this.watch.close(error)
  }

  #writeFrame(
    kind: FrameKind,
    partition: number,
    key: string,
    known: KnownKey | undefined,
    token: number,
    data: string | Uint8Array,
  ): boolean {
    if (this.#quota <= 0) {
      this.#quota = this.#limit - this.writer.depth
      if (this.#quota <= 0) return false
    }
    const host = this.#host
    // The clock is read once for what is published together.
    if (!this.isPlanned) host.plan(this)
    const last = host.sequences[partition]!
    const sequence = kind <= Frame.gap ? last + 1 : last
    if (!this.writer.write(kind, partition, sequence, host.now, key, known, token, data)) return false
    host.sequences[partition] = sequence
    this.#quota--
    if (++this.#unpublished >= PUBLISH_FRAMES) this.#publishSome()
    return true
  }

  /** In the midst of a tick. */
  #publishSome(): void {
    this.#unwoken += this.#unpublished
    this.#unpublished = 0
    this.writer.publish()
    if (this.#unwoken >= WAKE_FRAMES) {
      this.#unwoken = 0
      this.writer.wake()
    }
    this.#host.now = monotonicMs()
    const congested = this.send?.()
    if (congested !== undefined && this.#overflow === 'block') this.#yieldUntil(congested)
  }

  /** A socket takes more only when the loop turns: whoever awaits `route` gives it the time for that. */
  #yieldUntil(congested: Promise<void>): void {
    if (this.#congested === congested) return
    this.#congested = congested
    void congested.then(() => {
      if (this.#congested === congested) this.#congested = undefined
    })
  }

  #write(entry: Entry, known: KnownKey | undefined): boolean {
    const { kind, partition, key, token, data } = entry
    if (!this.#writeFrame(kind, partition, key, known, token, data)) return false
    if (kind === Frame.gap) this.#host.onGap(this.slot, partition, key, token)
    return true
  }

  #wait(
    kind: FrameKind,
    partition: number,
    key: string,
    data: string | Uint8Array,
  ): Promise<void> | undefined {
    const entry = waitingMessage(kind, partition, key, data)
    if (!this.#backlog.offer(entry, this.#onDrop)) {
      const { maxMessages } = this.#host.options
      throw new MillhandError(
        'QUEUE_FULL',
        `slot ${this.slot} has no room, and as much as fits waits for it (maxMessages ${maxMessages}): ` +
          `await what route() returns before you route more, or choose another overflow than 'block'`,
      )
    }
    this.routed++
    this.#fill()
    return this.#overflow === 'block' ? this.emptied() : undefined
  }

  /** Something waits: it is poured into the ring when a part of that is free. */
  #fill(): void {
    this.#arm()
    if (this.#isFull) return
    this.#isFull = true
    this.#host.onFull(this.slot, true)
    this.publish()
    if (!this.#isPouring) void this.#pourInTime()
  }

  /** The router may also pour itself, when it comes by and sees that there is room. */
  async #pourInTime(): Promise<void> {
    this.#isPouring = true
    try {
      while (this.#isFull) {
        await this.watch.until(this.#target)
        if (this.#isFull && this.#hasRoom()) this.#pour()
      }
    } catch {
      // Closed: whoever waits was told.
    } finally {
      this.#isPouring = false
    }
  }

  #arm(): void {
    if (this.#isFull) return
    const { framesRead, depth } = this.writer
    // Whoever waits is woken for many; what is dropped is dropped no longer than it must.
    const part = this.#overflow === 'block' ? depth >> 1 : depth >> 4
    this.#target = (framesRead + Math.min(depth, Math.max(1, part))) | 0
  }

  #hasRoom(): boolean {
    return ((this.writer.framesRead - this.#target) | 0) >= 0
  }

  #pour(): void {
    this.#quota = 0
    const isEmpty = this.#backlog.pour(this.#put)
    const marks = this.#marks
    while (marks.length > 0 && marks[0]!.at <= this.#backlog.gone) marks.shift()!.left.resolve()
    this.publish()
    this.#isFull = false
    if (!isEmpty) {
      this.#arm()
      this.#isFull = true
      return
    }
    this.#host.onFull(this.slot, false)
    this.#emptied?.resolve()
    this.#emptied = undefined
  }
}
