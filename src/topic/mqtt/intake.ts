import { Buffer } from 'node:buffer'
import type { TopicMessage } from '../message.ts'
import { type Answer, Answers } from './answers.ts'
import { Arrival } from './arrival.ts'
import type { OnMessage } from './receipt.ts'
import { messageOf } from './incoming-message.ts'
import { PUBCOMP, PUBREC, type PublishPacket } from './packets.ts'
import { AckWindow } from './window.ts'

export interface IntakeLimits {
  /** Messages at once with `onMessage`. */
  readonly window: number
  readonly windowBytes: number
  /** Of messages that wait. */
  readonly intakeBytes: number
}

export interface IntakeEvents {
  /** Packets of acknowledgement are to be written. */
  readonly onAnswers: (packets: Uint8Array) => void
  /** `onMessage` has thrown. */
  readonly onError: (error: unknown, message: TopicMessage) => void
  /** No more can be held: the connection must be dropped, and until then nothing more is taken. */
  readonly onOverflow: (messages: number, bytes: number) => void
  /** A message of QoS 0 was thrown away. */
  readonly onDropped: () => void
  /** Handlers have ended: there may be room for a new connection. */
  readonly onRoom: () => void
  /** True for a message that the broker had kept and that nobody asked for. */
  readonly isUnwanted: (topic: string) => boolean
}

/**
 * What arrives, from the network to the handlers, and their acknowledgements back. It takes all that comes at once, so
 * that the answers to pings are never behind a message; what has no place in the window waits, up to a limit.
 *
 * It outlives connections. Packet ids belong to one of them: acknowledgements that were not sent when it ended are
 * thrown away with it. The handlers go on, and when the session of the broker sends their messages again, they are
 * recognised: the same id, `dup`, topic and payload as one that we hold and never answered can only be that one.
 */
export class Intake {
  readonly #limits: IntakeLimits
  readonly #events: IntakeEvents
  readonly #onMessage: OnMessage
  readonly #order = new AckWindow<Arrival>((arrival) => this.#answers.push(arrival))
  readonly #answers = new Answers<Answer>((packets, answers) => this.#written(packets, answers))
  readonly #onAck = (arrival: Arrival): void => this.#acked(arrival)
  #taken = 0
  #waiting: Arrival[] = []
  #nextWaiting = 0
  #waitingBytes = 0
  #delivered = 0
  #deliveredBytes = 0
  #isDelivering = false
  /** Nothing is taken before a connection begins and after it overflowed. */
  #isOpen = false
  /** By packet id, what the last connection left without an answer. */
  #carried = new Map<number, Arrival>()
  /** Messages of QoS 2 that we have told the broker to have received, until it has heard so. */
  readonly #received = new Set<number>()
  #onIdle: (() => void)[] = []

  constructor(limits: IntakeLimits, onMessage: OnMessage, events: IntakeEvents) {
    this.#limits = limits
    this.#onMessage = onMessage
    this.#events = events
  }

  /** Messages with `onMessage` that are not acknowledged. */
  get delivered(): number {
    return this.#delivered
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#waiting.length - this.#nextWaiting
  }

  /** How many have arrived, ever. */
  get taken(): number {
    return this.#taken
  }

  /** Nothing is held, and all that was acknowledged is written. */
  get isIdle(): boolean {
    return this.#delivered + this.waiting + this.#order.length + this.#answers.length === 0
  }

  /** Whether half of the window is free, as it must be before a connection is worth while that was dropped. */
  get hasRoom(): boolean {
    return this.#delivered <= this.#limits.window / 2 && this.#deliveredBytes <= this.#limits.windowBytes / 2
  }

  /** Of those in the hands of handlers, the one that later acknowledgements wait for, or a new connection. */
  get oldest(): Arrival | undefined {
    if (this.#order.head !== undefined) return this.#order.head
    for (const arrival of this.#carried.values()) if (!arrival.isDone && !arrival.isDisowned) return arrival
    return undefined
  }

  /** How many wait for the oldest. */
  get behind(): number {
    return Math.max(this.#order.length, this.#carried.size) - 1
  }

  /** A connection begins. */
  opened(sessionPresent: boolean): void {
    this.#isOpen = true
    if (sessionPresent) return
    // Nothing of it will come again.
    this.#carried.clear()
    this.#received.clear()
  }

  /** The connection is lost, or given up: nothing is written to it any more. Harmless when there is none. */
  lost(): void {
    if (!this.#isOpen && this.#order.length === 0 && this.#answers.length === 0) return
    this.#isOpen = false
    // What an earlier connection left and this one did not bring: of QoS 1 its id may mean another message by now,
    // and twice is better than never. Of QoS 2 once is promised, and the broker keeps the id until we have answered.
    for (const [id, { packet }] of this.#carried) if (packet.qos === 1) this.#carried.delete(id)
    for (const arrival of [...this.#answers.clear(), ...this.#order.clear()]) {
      // A PUBCOMP is asked for again, and needs nothing that is kept.
      if (arrival instanceof Arrival && (arrival.isDelivered || arrival.isDone))
        this.#carried.set(arrival.id, arrival)
    }
    // Those of QoS 0 nobody sends again.
    this.#waiting = this.#waiting.slice(this.#nextWaiting).filter((arrival) => arrival.answer === 0)
    this.#nextWaiting = 0
    this.#waitingBytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** A message has arrived. */
  take(packet: PublishPacket): void {
    if (!this.#isOpen) return
    this.#taken++
    if (packet.qos === 0) {
      const isUnwanted = packet.retain && this.#events.isUnwanted(packet.topic)
      if (!isUnwanted) this.#place(new Arrival(packet, this.#onAck))
      return
    }
    const arrival = this.#again(packet) ?? new Arrival(packet, this.#onAck)
    if (packet.retain && this.#events.isUnwanted(packet.topic)) arrival.isDone = true
    this.#order.push(arrival)
    if (!arrival.isDone && !arrival.isDelivered) this.#place(arrival)
  }

  /** The broker has heard that we have a message of QoS 2. */
  releasedByBroker(id: number): void {
    this.#received.delete(id)
    this.#answers.push({ answer: PUBCOMP, id })
  }

  /** What has taken too long is given up: it is no longer waited for, and handled again when it comes again. */
  disown(arrival: Arrival): void {
    if (this.#carried.get(arrival.id) === arrival) this.#carried.delete(arrival.id)
    if (arrival.isDone || !arrival.isDelivered) return
    arrival.isDisowned = true
    arrival.isDelivered = false
    this.#delivered--
    this.#deliveredBytes -= arrival.bytes
  }

  /** Writes the acknowledgements that are due. */
  flush(): void {
    this.#answers.flush()
  }

  /** Resolves when it is idle. */
  whenIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  /** A message is done. */
  #acked(arrival: Arrival): void {
    if (arrival.isDisowned) return
    if (arrival.isDelivered) {
      this.#delivered--
      this.#deliveredBytes -= arrival.bytes
    }
    if (arrival.answer !== 0) this.#order.complete(arrival)
    if (this.#waiting.length > 0) this.#deliverWaiting()
    else if (!this.#isOpen) this.#events.onRoom()
    if (this.#onIdle.length > 0) this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.isIdle) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /** One that is with us already, when the broker sends it again. */
  #again(packet: PublishPacket): Arrival | undefined {
    const id = packet.messageId!
    if (packet.qos === 2 && this.#received.delete(id) && packet.dup) {
      const known = new Arrival(packet, this.#onAck)
      known.isDone = true
      return known
    }
    if (this.#carried.size === 0) return undefined
    const held = this.#carried.get(id)
    if (held === undefined) return undefined
    this.#carried.delete(id)
    const { topic, qos, payload } = held.packet
    const isSame =
      packet.dup &&
      topic === packet.topic &&
      qos === packet.qos &&
      Buffer.compare(payload, packet.payload) === 0
    return isSame ? held : undefined
  }

  #place(arrival: Arrival): void {
    if (this.waiting === 0 && this.#fits(arrival)) {
      this.#deliver(arrival)
      return
    }
    // Those of QoS 0 leave half of the room to the others, for which the connection would have to be dropped.
    const limit = arrival.answer === 0 ? this.#limits.intakeBytes / 2 : this.#limits.intakeBytes
    if (this.#waitingBytes + arrival.bytes <= limit || this.waiting === 0) {
      this.#waiting.push(arrival)
      this.#waitingBytes += arrival.bytes
      return
    }
    if (arrival.answer === 0) {
      this.#events.onDropped()
      return
    }
    this.#isOpen = false
    this.#events.onOverflow(this.waiting + 1, this.#waitingBytes + arrival.bytes)
  }

  #fits(arrival: Arrival): boolean {
    if (this.#delivered === 0) return true
    const { window, windowBytes } = this.#limits
    return this.#delivered < window && this.#deliveredBytes + arrival.bytes <= windowBytes
  }

  #deliver(arrival: Arrival): void {
    arrival.isDelivered = true
    this.#delivered++
    this.#deliveredBytes += arrival.bytes
    const message = messageOf(arrival.packet)
    try {
      this.#onMessage(message, arrival)
    } catch (error) {
      this.#events.onError(error, message)
    }
  }

  /** Never from inside itself: handlers that acknowledge at once would make it as deep as there are messages. */
  #deliverWaiting(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    for (;;) {
      const arrival = this.#waiting[this.#nextWaiting]
      if (arrival === undefined || !this.#fits(arrival)) break
      this.#nextWaiting++
      this.#waitingBytes -= arrival.bytes
      this.#deliver(arrival)
    }
    this.#isDelivering = false
    if (this.#nextWaiting < 1000 && this.waiting > 0) return
    this.#waiting = this.#waiting.slice(this.#nextWaiting)
    this.#nextWaiting = 0
  }

  #written(packets: Uint8Array, answers: readonly Answer[]): void {
    for (const { answer, id } of answers) if (answer === PUBREC) this.#received.add(id)
    this.#events.onAnswers(packets)
    if (this.#onIdle.length > 0) this.#tellIdle()
  }
}
