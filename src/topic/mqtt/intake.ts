import { Buffer } from 'node:buffer'
import type { TopicMessage } from '../message.ts'
import type { OnMessage, Receipt } from './receipt.ts'
import { messageOf } from './incoming-message.ts'
import { PUBACK, PUBCOMP, PUBREC, type PublishPacket } from './packets.ts'
import { AckWindow, Place } from './window.ts'

/** What a message costs in memory beside its payload and topic, about, in bytes. */
const OVERHEAD = 100

/** A message that arrived: in the hands of a handler, or waiting for its place in the window. */
export class Arrival extends Place implements Receipt {
  readonly packet: PublishPacket
  readonly #intake: Intake
  /** False while it waits, and when it needs no handling. */
  isDelivered = false
  /** True when its handler took too long: what it says is no longer heard. */
  isDisowned = false
  /** The first byte of the answer, 0 when there is none. */
  readonly answer: number

  constructor(intake: Intake, packet: PublishPacket) {
    super()
    this.#intake = intake
    this.packet = packet
    this.answer = packet.qos === 0 ? 0 : packet.qos === 1 ? PUBACK : PUBREC
  }

  get bytes(): number {
    return this.packet.payload.length + this.packet.topic.length + OVERHEAD
  }

  ack(): void {
    if (!this.isDone) this.#intake.acked(this)
  }
}

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
  readonly #order = new AckWindow<Arrival>((arrival) => this.#answer(arrival))
  #taken = 0
  #waiting: Arrival[] = []
  #nextWaiting = 0
  #waitingBytes = 0
  #delivered = 0
  #deliveredBytes = 0
  #isDelivering = false
  /** Nothing is taken before a connection begins and after it overflowed. */
  #isOpen = false
  /** To be written soon, together. */
  #answers: Arrival[] = []
  #completions: number[] = []
  #isFlushing = false
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
    const unsent = this.#answers.length + this.#completions.length
    return this.#delivered + this.waiting + this.#order.length + unsent === 0
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
    // What an earlier connection left and this one did not bring: its id may mean another message by now.
    this.#carried.clear()
    for (const arrival of [...this.#answers, ...this.#order.clear()]) {
      const id = arrival.packet.messageId
      if (id !== undefined && (arrival.isDelivered || arrival.isDone)) this.#carried.set(id, arrival)
    }
    this.#answers = []
    this.#completions = []
    this.#waiting = []
    this.#nextWaiting = 0
    this.#waitingBytes = 0
  }

  /** A message has arrived. */
  take(packet: PublishPacket): void {
    if (!this.#isOpen) return
    this.#taken++
    if (packet.qos === 0) {
      const isUnwanted = packet.retain && this.#events.isUnwanted(packet.topic)
      if (!isUnwanted) this.#place(new Arrival(this, packet))
      return
    }
    const arrival = this.#again(packet) ?? new Arrival(this, packet)
    if (packet.retain && this.#events.isUnwanted(packet.topic)) arrival.isDone = true
    this.#order.push(arrival)
    if (!arrival.isDone && !arrival.isDelivered) this.#place(arrival)
  }

  /** The broker has heard that we have a message of QoS 2. */
  releasedByBroker(id: number): void {
    this.#received.delete(id)
    this.#completions.push(id)
    this.#flushSoon()
  }

  /** A message is done. */
  acked(arrival: Arrival): void {
    arrival.isDone = true
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

  /** What has taken too long is given up: it is no longer waited for, and handled again when it comes again. */
  disown(arrival: Arrival): void {
    const id = arrival.packet.messageId
    if (id !== undefined && this.#carried.get(id) === arrival) this.#carried.delete(id)
    if (arrival.isDone || !arrival.isDelivered) return
    arrival.isDisowned = true
    arrival.isDelivered = false
    this.#delivered--
    this.#deliveredBytes -= arrival.bytes
  }

  /** Resolves when it is idle. */
  whenIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #tellIdle(): void {
    if (this.isIdle) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /** One that is with us already, when the broker sends it again. */
  #again(packet: PublishPacket): Arrival | undefined {
    const id = packet.messageId!
    if (packet.qos === 2 && this.#received.delete(id) && packet.dup) {
      const known = new Arrival(this, packet)
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
    if (this.#waitingBytes + arrival.bytes <= this.#limits.intakeBytes || this.waiting === 0) {
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

  /** It is the turn of one that is done. */
  #answer(arrival: Arrival): void {
    this.#answers.push(arrival)
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    // After all that was read at once: one write for many.
    setImmediate(() => this.flush())
  }

  /** Writes what is to be answered. */
  flush(): void {
    this.#isFlushing = false
    const [answers, completions] = [this.#answers, this.#completions]
    if (answers.length + completions.length === 0) return
    this.#answers = []
    this.#completions = []
    const packets = Buffer.allocUnsafe(4 * (answers.length + completions.length))
    let at = 0
    const put = (type: number, id: number): void => {
      packets[at] = type
      packets[at + 1] = 2
      packets[at + 2] = id >> 8
      packets[at + 3] = id & 0xff
      at += 4
    }
    for (const { answer, packet } of answers) {
      const id = packet.messageId!
      if (answer === PUBREC) this.#received.add(id)
      put(answer, id)
    }
    for (const id of completions) put(PUBCOMP, id)
    this.#events.onAnswers(packets)
    if (this.#onIdle.length > 0) this.#tellIdle()
  }
}
