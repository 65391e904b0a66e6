import { Deque } from '../pool/deque.ts'
import { fastText, type FastText } from './fast-text.ts'
import { Frame, HEADER_BYTES, UNIT_BYTES, type FrameKind } from './frame.ts'
import { KeyReadings } from './key-table.ts'
import { latencyBucket } from './latency.ts'
import { MemoryLine } from './memory-line.ts'
import { monotonicMs } from './monotonic-ms.ts'
import type { ReaderLine } from './reader-line.ts'
import { At } from './ring-memory.ts'
import type { SlotDoor } from './slot-door.ts'
import { connectSocketLine } from './socket-line.ts'

/** A frame that its reader is not done with. */
export interface HeldFrame {
  isDone: boolean
  at: number
  frames: number
  routedAt: number
}

/** After so many frames the writer hears that they are done; it also does when the event loop turns. */
const FLUSH_FRAMES = 64

/**
 * Opens the door to a slot's messages.
 * @throws Error when the other side is gone already.
 */
export async function openSlotReader(door: SlotDoor): Promise<SlotReader> {
  return new SlotReader(door.kind === 'memory' ? new MemoryLine(door) : await connectSocketLine(door))
}

/**
 * The messages of a slot, at its worker: reads one frame after the other, in place. What is not committed when the
 * worker dies is what its next life begins with.
 *
 *     while (reader.next()) { apply(reader.key, reader.text()); reader.commit() }
 *     await reader.wait()
 */
export class SlotReader {
  /** Of the frame that `next` moved to, as the four below. */
  kind: FrameKind = Frame.text
  partition = 0
  /** Messages and gaps are counted within their partition; others have the number of the last of those. */
  sequence = 0
  /** Empty: a barrier, a notice, or a gap of all keys of the partition. */
  key = ''
  /** Gap: how many messages were dropped. Query, barrier, notice and grant: its number. */
  token = 0
  /** ms of the monotonic clock of the machine. */
  routedAt = 0
  readonly #line: ReaderLine
  readonly #control: Int32Array
  readonly #ints: Int32Array
  readonly #floats: Float64Array
  readonly #bytes: Uint8Array
  readonly #text: FastText
  readonly #mask: number
  readonly #keys = new KeyReadings()
  /** Frames that are held, and those that were committed behind them. */
  readonly #held = new Deque<HeldFrame>()
  #lastHeld: HeldFrame | undefined
  /** Units: up to here frames were read, are known to be written, and are done. */
  #at: number
  #limit: number
  #done: number
  #dataAt = 0
  #dataBytes = 0
  /** Frames that are done, and of those, those that the writer has not heard of. */
  #framesDone: number
  #unsaid = 0
  /** When the last frame that is done was routed. */
  #doneRoutedAt = 0
  #isFlushPlanned = false
  readonly #flushPlanned = (): void => {
    this.#isFlushPlanned = false
    this.flush()
  }

  constructor(line: ReaderLine) {
    const { ring } = line
    this.#line = line
    this.#control = ring.control
    this.#ints = ring.ints
    this.#floats = ring.floats
    this.#bytes = ring.bytes
    this.#text = fastText(ring.bytes)
    this.#mask = ring.capacity / UNIT_BYTES - 1
    this.#at = Atomics.load(ring.control, At.read)
    this.#limit = this.#at
    this.#done = this.#at
    this.#framesDone = Atomics.load(ring.control, At.framesRead)
  }

  /** The other side is gone: this life of the slot can get nothing more, and what it commits is not heard. */
  get isClosed(): boolean {
    return this.#line.isClosed
  }

  /** Moves to the next frame. @returns false when there is none at the moment. */
  next(): boolean {
    for (;;) {
      if (!this.#isThere()) return false
      const word = (this.#at & this.#mask) * 2
      this.#at = (this.#at + this.#ints[word]!) | 0
      const head = this.#ints[word + 1]!
      const kind = head & 0xff
      if (kind === Frame.pad) continue
      this.kind = kind as FrameKind
      this.partition = head >>> 16
      const keyHead = this.#ints[word + 2]!
      const keyBytes = keyHead & 0xffff
      const keyAt = word * 4 + HEADER_BYTES
      this.#dataAt = keyAt + keyBytes + ((head >>> 8) & 0xff)
      this.#dataBytes = this.#ints[word + 3]!
      this.sequence = this.#floats[(word >> 1) + 2]!
      this.routedAt = this.#floats[(word >> 1) + 3]!
      this.token = this.#ints[word + 8]!
      this.key = this.#keyAt(keyAt, keyBytes, keyHead >>> 16, this.#ints[word + 9]!)
      return true
    }
  }

  /** The payload as text. */
  text(): string {
    return this.#dataBytes === 0 ? '' : this.#text.utf8Slice(this.#dataAt, this.#dataAt + this.#dataBytes)
  }

  /** The payload in place: valid until this frame is committed. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(this.#dataAt, this.#dataAt + this.#dataBytes)
  }

  /** The frame that `next` moved to, and all before it that are not held, are done. */
  commit(): void {
    if (this.#held.size === 0) {
      this.#pass(this.#at, 1, this.routedAt)
      return
    }
    const last = this.#lastHeld
    if (last?.isDone === true) {
      last.at = this.#at
      last.frames++
      last.routedAt = this.routedAt
    } else {
      this.hold().isDone = true
    }
  }

  /** The frame that `next` moved to is not done before it is released. */
  hold(): HeldFrame {
    const held = { isDone: false, at: this.#at, frames: 1, routedAt: this.routedAt }
    this.#held.push(held)
    this.#lastHeld = held
    return held
  }

  /** A frame that was held is done. Its room is free when all before it are done, too. */
  release(held: HeldFrame): void {
    held.isDone = true
    for (let first = this.#held.peek(); first?.isDone === true; first = this.#held.peek()) {
      this.#held.shift()
      this.#pass(first.at, first.frames, first.routedAt)
    }
    if (this.#held.size === 0) this.#lastHeld = undefined
  }

  /** Tells the writer now what is done. Done by itself after each 64 frames, and when the event loop turns. */
  flush(): void {
    const frames = this.#unsaid
    if (frames === 0) return
    this.#unsaid = 0
    Atomics.store(this.#control, At.read, this.#done)
    Atomics.store(this.#control, At.framesRead, this.#framesDone)
    this.#line.onProgress(frames, latencyBucket(monotonicMs() - this.#doneRoutedAt))
  }

  /** Sleeps until there is something to read, the other side is gone, or `wake` is called. */
  wait(): Promise<void> {
    this.flush()
    return this.isClosed || this.#isThere() ? Promise.resolve() : this.#line.sleep(this.#limit)
  }

  /** Ends the `wait` that goes on, if any. */
  wake(): void {
    this.#line.wake()
  }

  /** Ends the life of this reader. What is not committed is left to the next. */
  close(): void {
    this.flush()
    this.#line.close()
  }

  /** A whole frame: over a socket, they may come in pieces. */
  #isThere(): boolean {
    if (this.#at === this.#limit) {
      this.#limit = Atomics.load(this.#control, At.written)
      if (this.#at === this.#limit) return false
    }
    const units = this.#ints[(this.#at & this.#mask) * 2]!
    if (units <= ((this.#limit - this.#at) | 0)) return true
    this.#limit = Atomics.load(this.#control, At.written)
    return units <= ((this.#limit - this.#at) | 0)
  }

  #keyAt(at: number, bytes: number, place: number, number: number): string {
    if (number === 0) return bytes === 0 ? '' : this.#text.utf8Slice(at, at + bytes)
    const known = this.#keys.get(place, number)
    if (known !== undefined) return known
    const key = this.#text.utf8Slice(at, at + bytes)
    this.#keys.set(place, number, key)
    return key
  }

  #pass(at: number, frames: number, routedAt: number): void {
    this.#done = at
    this.#doneRoutedAt = routedAt
    this.#framesDone = (this.#framesDone + frames) | 0
    this.#unsaid += frames
    if (this.#unsaid >= FLUSH_FRAMES) this.flush()
    else if (!this.#isFlushPlanned) this.#planFlush()
  }

  #planFlush(): void {
    this.#isFlushPlanned = true
    setImmediate(this.#flushPlanned)
  }
}
