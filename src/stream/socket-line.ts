import type { Socket } from 'node:net'
import { builtin } from '../core/builtin.ts'
import { UNIT_BYTES } from './frame.ts'
import { At, RingMemory } from './ring-memory.ts'
import { reportToWire, type SocketDoor } from './slot-door.ts'
import type { ReaderLine } from './reader-line.ts'

/** What is read from the socket at once. */
const CHUNK_BYTES = 256 * 1024
/** After so many frames the writer hears of the progress in the midst of the work. */
const REPORT_FRAMES = 512

/**
 * Connects to the writer of a slot in another process.
 * @throws Error when nobody listens there.
 */
export function connectSocketLine(door: SocketDoor): Promise<SocketLine> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  // Bytes come once it is connected, when there is a line.
  const lines: SocketLine[] = []
  const onread = {
    buffer,
    callback: (size: number): boolean => {
      lines[0]!.onBytes(buffer, size)
      return true
    },
  }
  const { promise, resolve, reject } = Promise.withResolvers<SocketLine>()
  const socket = builtin.net.connect({ path: door.path, onread })
  const line = new SocketLine(door, socket)
  lines.push(line)
  // Once it was connected, its end is heard from `close`, which follows.
  socket.on('error', reject)
  socket.on('close', () => line.onEnd())
  socket.on('connect', () => resolve(line))
  return promise
}

/** Keeps a copy of the ring of a writer in another process: each byte lies where it lies there. */
export class SocketLine implements ReaderLine {
  readonly ring: RingMemory
  readonly #socket: Socket
  readonly #position: number
  /** Bytes that have come, behind `position`. */
  #received = 0
  #isClosed = false
  #wake: (() => void) | undefined
  /** Frames since the last report, and how long the last of them was on its way. */
  #unreported = 0
  #latency = 0
  #isReportPlanned = false

  constructor({ capacity, position, frames }: SocketDoor, socket: Socket) {
    const ring = RingMemory.ofCapacity(capacity)
    Atomics.store(ring.control, At.written, position)
    Atomics.store(ring.control, At.read, position)
    Atomics.store(ring.control, At.framesRead, frames)
    this.ring = ring
    this.#position = position
    this.#socket = socket
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** More has come. There is room for it: the writer sends what it has room for. */
  onBytes(chunk: Buffer, size: number): void {
    const { bytes, capacity, control } = this.ring
    const first = (this.#position & (capacity / UNIT_BYTES - 1)) * UNIT_BYTES
    const from = (first + this.#received) & (capacity - 1)
    const fits = Math.min(size, capacity - from)
    chunk.copy(bytes, from, 0, fits)
    if (fits < size) chunk.copy(bytes, 0, fits, size)
    this.#received += size
    Atomics.store(control, At.written, (this.#position + Math.floor(this.#received / UNIT_BYTES)) | 0)
    this.wake()
  }

  onEnd(): void {
    this.#isClosed = true
    this.wake()
  }

  async sleep(seen: number): Promise<void> {
    this.#report()
    if (this.#isClosed || Atomics.load(this.ring.control, At.written) !== seen) return
    await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  onProgress(frames: number, latency: number): void {
    this.#unreported += frames
    this.#latency = latency
    if (this.#unreported >= REPORT_FRAMES) {
      this.#report()
    } else if (!this.#isReportPlanned) {
      this.#isReportPlanned = true
      setImmediate(() => {
        this.#isReportPlanned = false
        this.#report()
      })
    }
  }

  close(): void {
    this.#report()
    // What was written is sent before the end.
    this.#socket.end()
    this.onEnd()
  }

  #report(): void {
    if (this.#unreported === 0 || this.#isClosed) return
    this.#unreported = 0
    const { control } = this.ring
    this.#socket.write(
      reportToWire({
        read: Atomics.load(control, At.read),
        framesRead: Atomics.load(control, At.framesRead),
        latency: this.#latency,
      }),
    )
  }
}
