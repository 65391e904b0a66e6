import { StateError } from '../core/errors.ts'
import type { Placement } from '../worker/status.ts'
import { Frame } from './frame.ts'
import type { Outbox } from './outbox.ts'
import { At } from './ring-memory.ts'
import type { SlotDoor } from './slot-door.ts'
import { SocketPump } from './socket-pump.ts'

/** The router's side of a slot, for all lives of its worker. */
export class SlotLink {
  readonly slot: number
  readonly placement: Placement
  readonly #outbox: Outbox
  #epoch = 0
  #pump: SocketPump | undefined
  #isClosed = false

  constructor(outbox: Outbox, placement: Placement) {
    this.slot = outbox.slot
    this.placement = placement
    this.#outbox = outbox
  }

  /** Which life this is, from 1; 0 before the first. */
  get epoch(): number {
    return this.#epoch
  }

  /** What the worker is not done with. */
  get depth(): number {
    return this.#outbox.depth
  }

  /** How many frames the worker was done with, ever, modulo 2 ** 32: the place of the first that it is not. */
  get head(): number {
    return this.#outbox.writer.framesRead >>> 0
  }

  /**
   * The door to the messages for the next life of the worker: it begins with the first that the last one was not
   * done with. Whoever has the last door can change nothing any more.
   * @throws StateError when the slot was removed or the router closed; Error when no socket can be opened.
   */
  async open(): Promise<SlotDoor> {
    if (this.#isClosed) throw new StateError(`expected slot ${this.slot} to be open, it was removed`)
    this.detach()
    const epoch = ++this.#epoch
    const ring = this.#outbox.renew()
    if (this.placement !== 'process') return { kind: 'memory', epoch, memory: ring.memory }
    const pump = new SocketPump(this.#outbox.writer, () => this.#outbox.watch.look())
    this.#pump = pump
    this.#outbox.send = () => pump.send()
    // Before the first byte is sent: reports of the reader move these.
    const position = Atomics.load(ring.control, At.read)
    const frames = Atomics.load(ring.control, At.framesRead)
    const path = await pump.open()
    return { kind: 'socket', epoch, path, capacity: ring.capacity, position, frames }
  }

  /** The worker's life is over. What it was not done with waits for the next one. */
  detach(): void {
    this.#pump?.close()
    this.#pump = undefined
    this.#outbox.send = undefined
  }

  /** Resolves at a moment at which the worker is done with everything. @throws ShutdownError when the router closes. */
  drained(): Promise<void> {
    return this.#outbox.drained()
  }

  /**
   * Of each partition that has frames which the worker is not done with: the sequence of the last that it is done
   * with. Of the others, that is all that was ever written: `router.written(partition)`.
   */
  committed(): Map<number, number> {
    const first = new Map<number, number>()
    this.#outbox.writer.unread((partition, sequence, kind) => {
      if (kind === Frame.barrier || first.has(partition)) return
      // Queries and notices have the number of the last message.
      first.set(partition, kind > Frame.gap ? sequence : sequence - 1)
    })
    return first
  }

  /** For the router that removes it. */
  close(): void {
    this.#isClosed = true
    this.detach()
  }
}
