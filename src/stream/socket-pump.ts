import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtin } from '../core/builtin.ts'
import { newId } from '../core/id.ts'
import { UNIT_BYTES } from './frame.ts'
import type { RingWriter } from './ring-writer.ts'
import { At, type RingMemory } from './ring-memory.ts'
import { REPORT_BYTES, reportFromWire, type Report } from './slot-door.ts'

/** What is sent at once, so that the reader can begin and room becomes free. */
const BATCH_BYTES = 256 * 1024
/** With more than this that is not sent, whoever routes is asked to turn the loop, until it is less than that. */
const MUCH_BYTES = 384 * 1024
const LITTLE_BYTES = 256 * 1024

/**
 * One life of a slot in another process: sends what is written into the ring, and moves the ring's read index as the
 * reader there reports. What it had sent and the reader had not handled is still in the ring for the next life.
 */
export class SocketPump {
  readonly #writer: RingWriter
  readonly #ring: RingMemory
  readonly #onProgress: () => void
  #server: Server | undefined
  #folder: string | undefined
  #socket: Socket | undefined
  /** Units up to which it was sent. */
  #sent: number
  #isSending = false
  #isClosed = false
  #relief: PromiseWithResolvers<void> | undefined
  /** The beginning of a report. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(writer: RingWriter, onProgress: () => void) {
    this.#writer = writer
    this.#ring = writer.ring
    this.#onProgress = onProgress
    this.#sent = Atomics.load(writer.ring.control, At.read)
  }

  /** Listens for the reader. @returns where, readable by this user alone. */
  async open(): Promise<string> {
    const path = this.#newPath()
    const server = builtin.net.createServer((socket) => this.#onReader(socket))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    // Whoever minds the worker keeps this process alive.
    server.unref()
    if (this.#isClosed) this.#stopListening()
    return path
  }

  /**
   * Sends what was published since.
   * @returns undefined, or with much that is not sent yet, a promise that resolves when most of it is.
   */
  send(): Promise<void> | undefined {
    this.#sendSome()
    if (this.#socket === undefined || this.#isClosed || this.#unsent <= MUCH_BYTES) return undefined
    this.#relief ??= Promise.withResolvers()
    return this.#relief.promise
  }

  /** This life of the slot is over: nothing that comes from it is heard any more. */
  close(): void {
    this.#isClosed = true
    this.#stopListening()
    this.#socket?.destroy()
    this.#relieve()
  }

  get #unsent(): number {
    return ((this.#writer.published - this.#sent) | 0) * UNIT_BYTES
  }

  #sendSome(): void {
    const socket = this.#socket
    const unsent = this.#unsent
    if (socket === undefined || this.#isSending || this.#isClosed || unsent === 0) return
    const { bytes, capacity } = this.#ring
    const from = (this.#sent & (capacity / UNIT_BYTES - 1)) * UNIT_BYTES
    const length = Math.min(unsent, capacity - from, BATCH_BYTES)
    this.#isSending = true
    // Nothing is written over these bytes before the reader has reported that it is done with them.
    socket.write(bytes.subarray(from, from + length), (error) => {
      this.#isSending = false
      if (error) return
      this.#sent = (this.#sent + length / UNIT_BYTES) | 0
      this.#sendSome()
      if (this.#unsent <= LITTLE_BYTES) this.#relieve()
    })
  }

  #relieve(): void {
    this.#relief?.resolve()
    this.#relief = undefined
  }

  #newPath(): string {
    if (process.platform === 'win32') return `\\\\.\\pipe\\millhand-${newId()}`
    this.#folder = builtin.fs.mkdtempSync(join(tmpdir(), 'millhand-'))
    return join(this.#folder, 'slot')
  }

  #onReader(socket: Socket): void {
    if (this.#socket !== undefined || this.#isClosed) {
      socket.destroy()
      return
    }
    this.#socket = socket
    this.#stopListening()
    // A socket that breaks ends the life of the reader; its supervisor begins the next one.
    socket.on('error', () => {})
    socket.on('close', () => this.#relieve())
    socket.on('data', (chunk: Buffer) => this.#onReports(chunk))
    socket.unref()
    this.#sendSome()
  }

  #stopListening(): void {
    this.#server?.close()
    this.#server = undefined
    if (this.#folder !== undefined) builtin.fs.rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }

  #onReports(chunk: Buffer): void {
    if (this.#isClosed) return
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (; at + REPORT_BYTES <= bytes.length; at += REPORT_BYTES) this.#apply(reportFromWire(bytes, at))
    this.#rest = bytes.subarray(at)
    if (at > 0) this.#onProgress()
  }

  #apply({ read, framesRead, latency }: Report): void {
    const { control, latency: counts } = this.#ring
    counts[latency]! += (framesRead - control[At.framesRead]!) | 0
    Atomics.store(control, At.read, read)
    Atomics.store(control, At.framesRead, framesRead)
  }
}
