import { LATENCY_BUCKETS } from './latency.ts'
import { UNIT_BYTES } from './frame.ts'

/** Of 32-bit words: so far apart do two of different writers lie that they share no line of a cache. */
const LINE = 32
/** Where in `control` a number lies. */
export const At: {
  /** Written by the writer: units of the ring that were written, ever (counts around). */
  readonly written: number
  /** Written by the reader: units that it is done with, and frames. */
  readonly read: number
  readonly framesRead: number
  /** 1 while the reader sleeps. It is put back by whoever wakes it. */
  readonly sleeping: number
  /** 1 while the writer waits for the frames read to reach `wanted`; put back by whoever wakes it. */
  readonly waiting: number
  readonly wanted: number
} = {
  written: 0,
  read: LINE,
  framesRead: LINE + 1,
  sleeping: 2 * LINE,
  waiting: 3 * LINE,
  wanted: 3 * LINE + 1,
}
const CONTROL_WORDS = 4 * LINE
const CONTROL_BYTES = (CONTROL_WORDS + LATENCY_BUCKETS) * 4

/**
 * The memory of a ring: a little to agree on, and the bytes of the frames. Positions count units for ever (modulo
 * 2 ** 32, of which the capacity is a divisor), so that a full ring is not taken for an empty one.
 */
export class RingMemory {
  readonly memory: SharedArrayBuffer
  /** Of the bytes, a power of two. */
  readonly capacity: number
  readonly control: Int32Array<SharedArrayBuffer>
  /** How long messages were on their way, by `latencyBucket`; written by the reader. */
  readonly latency: Int32Array<SharedArrayBuffer>
  readonly bytes: Buffer<SharedArrayBuffer>
  readonly ints: Int32Array<SharedArrayBuffer>
  readonly floats: Float64Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    const capacity = memory.byteLength - CONTROL_BYTES
    this.memory = memory
    this.capacity = capacity
    this.control = new Int32Array(memory, 0, CONTROL_WORDS)
    this.latency = new Int32Array(memory, CONTROL_WORDS * 4, LATENCY_BUCKETS)
    this.bytes = Buffer.from(memory, CONTROL_BYTES, capacity)
    this.ints = new Int32Array(memory, CONTROL_BYTES, capacity / 4)
    this.floats = new Float64Array(memory, CONTROL_BYTES, capacity / 8)
  }

  /** @param capacity of the bytes: a power of two. */
  static ofCapacity(capacity: number): RingMemory {
    return new RingMemory(new SharedArrayBuffer(CONTROL_BYTES + capacity))
  }

  /** New memory with what nobody is done with in this one, at the same places. Whoever has this one is left alone. */
  renewed(): RingMemory {
    const next = RingMemory.ofCapacity(this.capacity)
    const framesRead = Atomics.load(this.control, At.framesRead)
    const read = Atomics.load(this.control, At.read)
    const written = Atomics.load(this.control, At.written)
    Atomics.store(next.control, At.framesRead, framesRead)
    Atomics.store(next.control, At.read, read)
    Atomics.store(next.control, At.written, written)
    next.latency.set(this.latency)
    const units = this.capacity / UNIT_BYTES
    const from = (read & (units - 1)) * UNIT_BYTES
    const length = ((written - read) | 0) * UNIT_BYTES
    const first = Math.min(length, this.capacity - from)
    next.bytes.set(this.bytes.subarray(from, from + first), from)
    next.bytes.set(this.bytes.subarray(0, length - first), 0)
    return next
  }
}
