import type { Answer } from './answers.ts'
import { PUBACK, PUBREC, type PublishPacket } from './packets.ts'
import type { Receipt } from './receipt.ts'
import { Place } from './window.ts'

/** What a message costs in memory beside its payload and topic, about, in bytes. */
const OVERHEAD = 100

/** A message that arrived: in the hands of a handler, or waiting for its place in the window. */
export class Arrival extends Place implements Receipt, Answer {
  readonly packet: PublishPacket
  readonly #onAck: (arrival: Arrival) => void
  /** False while it waits, and when it needs no handling. */
  isDelivered = false
  /** True when its handler took too long: what it says is no longer heard. */
  isDisowned = false
  /** The first byte of the answer, 0 when there is none. */
  readonly answer: number
  /** The packet id, 0 when there is no answer. */
  readonly id: number
  /** What it counts for in memory. */
  readonly bytes: number

  /** @param onAck called once, when its handler says so. */
  constructor(packet: PublishPacket, onAck: (arrival: Arrival) => void) {
    super()
    this.#onAck = onAck
    this.packet = packet
    this.id = packet.messageId ?? 0
    this.bytes = packet.payload.length + packet.topic.length + OVERHEAD
    this.answer = packet.qos === 0 ? 0 : packet.qos === 1 ? PUBACK : PUBREC
  }

  ack(): void {
    if (this.isDone) return
    this.isDone = true
    this.#onAck(this)
  }
}
