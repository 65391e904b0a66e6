import { fastText, type FastText } from './fast-text.ts'
import { Frame, frameUnits, HEADER_BYTES, UNIT_BYTES, type FrameKind } from './frame.ts'
import type { KnownKey } from './key-table.ts'
import { At, type RingMemory } from './ring-memory.ts'

/** A character of a string takes at most so many bytes of UTF-8. */
const MOST_UTF8 = 3
/** Bytes that may lie between key and payload. */
const MOST_SHIFT = UNIT_BYTES - 1

/**
 * Writes frames into a ring. The reader sees them when they are published. There is one writer a ring.
 */
export class RingWriter {
  #ring!: RingMemory
  #text!: FastText
  #mask = 0
  /** Units, ever, modulo 2 ** 32, as those that are read. */
  #at = 0
  #published = 0
  /** As last looked at: the reader may be further. */
  #read = 0
  #framesWritten = 0

  constructor(ring: RingMemory) {
    this.#use(ring)
    this.#at = Atomics.load(ring.control, At.written)
    this.#published = this.#at
  }

  get ring(): RingMemory {
    return this.#ring
  }

  /** How many frames were written, modulo 2 ** 32. */
  get framesWritten(): number {
    return this.#framesWritten
  }

  /** Frames that the reader is not done with. */
  get depth(): number {
    return (this.#framesWritten - Atomics.load(this.#ring.control, At.framesRead)) | 0
  }

  /** Frames that the reader is done with, modulo 2 ** 32. */
  get framesRead(): number {
    return Atomics.load(this.#ring.control, At.framesRead)
  }

  /** Units up to which the reader may read. */
  get published(): number {
    return this.#published
  }

  get hasUnpublished(): boolean {
    return this.#at !== this.#published
  }

  /**
   * Writes one frame. @returns false, with nothing written, when there is no room.
   * @param token 0, or the number that this kind of frame carries.
   */
  write(
    kind: FrameKind,
    partition: number,
    sequence: number,
    routedAt: number,
    key: string,
    known: KnownKey | undefined,
    token: number,
    data: string | Uint8Array,
  ): boolean {
    const capacity = this.#ring.capacity
    const start = (this.#at & this.#mask) * UNIT_BYTES
    const dataBound = typeof data === 'string' ? data.length * MOST_UTF8 : data.length + MOST_SHIFT
    const bound = HEADER_BYTES + key.length * MOST_UTF8 + dataBound + UNIT_BYTES
    const used = ((this.#at - this.#read) | 0) * UNIT_BYTES
    // Most of the time there is so much room that nothing needs to be measured.
    const from =
      bound <= capacity - start && bound <= capacity - used ? start : this.#reserve(start, key, data)
    if (from < 0) return false
    const { ints, floats, bytes } = this.#ring
    const keyAt = from + HEADER_BYTES
    const keyBytes =
      key === '' ? 0 : this.#text.utf8Write(key, keyAt, Math.min(key.length * MOST_UTF8, capacity - keyAt))
    let dataAt = keyAt + keyBytes
    let shift = 0
    let dataBytes = 0
    if (typeof data === 'string') {
      if (data !== '') dataBytes = this.#text.utf8Write(data, dataAt, Math.min(dataBound, capacity - dataAt))
    } else {
      // Shared memory is copied byte by byte unless both ends lie alike within a word: that takes four times as long.
      shift = (data.byteOffset - bytes.byteOffset - dataAt) & (UNIT_BYTES - 1)
      dataAt += shift
      bytes.set(data, dataAt)
      dataBytes = data.length
    }
    const units = frameUnits(keyBytes + shift, dataBytes)
    const word = from >> 2
    ints[word] = units
    ints[word + 1] = kind | (shift << 8) | (partition << 16)
    ints[word + 2] = known === undefined ? keyBytes : keyBytes | (known.place << 16)
    ints[word + 3] = dataBytes
    floats[(from >> 3) + 2] = sequence
    floats[(from >> 3) + 3] = routedAt
    ints[word + 8] = token
    ints[word + 9] = known === undefined ? 0 : known.number
    this.#at = (this.#at + units) | 0
    this.#framesWritten = (this.#framesWritten + 1) | 0
    return true
  }

  /** Lets the reader see what was written. One that sleeps goes on sleeping. */
  publish(): void {
    this.#published = this.#at
    Atomics.store(this.#ring.control, At.written, this.#at)
  }

  /** Wakes a reader that sleeps, and sleeps in this process. */
  wake(): void {
    const { control } = this.#ring
    if (Atomics.load(control, At.sleeping) === 0) return
    if (Atomics.exchange(control, At.sleeping, 0) === 1) Atomics.notify(control, At.sleeping)
  }

  /**
   * Goes on in new memory, with what the reader of the old one is not done with. That reader may live on and changes
   * nothing any more.
   */
  renew(): RingMemory {
    this.publish()
    const next = this.#ring.renewed()
    this.#use(next)
    // The two numbers of an old reader that still runs need not belong together: its frames are counted instead.
    let frames = 0
    this.unread(() => frames++)
    Atomics.store(next.control, At.framesRead, (this.#framesWritten - frames) | 0)
    return next
  }

  /** Calls `see` with the partition and the sequence of each frame that the reader is not done with, in order. */
  unread(see: (partition: number, sequence: number, kind: FrameKind) => void): void {
    const { ints, floats, control } = this.#ring
    for (let at = Atomics.load(control, At.read); at !== this.#at;) {
      const word = (at & this.#mask) * 2
      const head = ints[word + 1]!
      const kind = head & 0xff
      if (kind !== Frame.pad) see(head >>> 16, floats[(word >> 1) + 2]!, kind as FrameKind)
      at = (at + ints[word]!) | 0
    }
  }

  #use(ring: RingMemory): void {
    this.#ring = ring
    this.#text = fastText(ring.bytes)
    this.#mask = ring.capacity / UNIT_BYTES - 1
    this.#read = Atomics.load(ring.control, At.read)
  }

  /** Where a frame that is measured fits, after the end of the ring was filled if need be. -1: nowhere. */
  #reserve(start: number, key: string, data: string | Uint8Array): number {
    const { capacity, control, ints } = this.#ring
    this.#read = Atomics.load(control, At.read)
    const dataBytes = typeof data === 'string' ? Buffer.byteLength(data) : data.length + MOST_SHIFT
    const size = frameUnits(Buffer.byteLength(key), dataBytes) * UNIT_BYTES
    const free = capacity - ((this.#at - this.#read) | 0) * UNIT_BYTES
    const toEnd = capacity - start
    if (size <= toEnd) return size <= free ? start : -1
    if (toEnd + size > free) return -1
    const units = toEnd / UNIT_BYTES
    ints[start >> 2] = units
    ints[(start >> 2) + 1] = Frame.pad
    this.#at = (this.#at + units) | 0
    return 0
  }
}
