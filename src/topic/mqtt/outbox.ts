import { Buffer } from 'node:buffer'
import { show } from '../../core/errors.ts'
import type { Qos } from '../message.ts'
import { MqttError, reasonText } from './mqtt-error.ts'
import type { AnswerPacket, Outgoing, PacketProperties } from './packets.ts'
import type { PacketIds } from './packet-ids.ts'

/** A message on its way to the broker. */
export interface Publishing {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PacketProperties | undefined
  /** Sent at each connect, so never sent again by itself. */
  readonly isBirth: boolean
}

interface Entry extends Publishing {
  id: number
  /** Of QoS 2: the broker has it, and is to be told that we know. */
  isReceived: boolean
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What the broker takes, by its CONNACK. */
export interface BrokerLimits {
  /** Messages of QoS 1 and 2 without an answer. */
  readonly receiveMaximum: number
  readonly maximumQos: number
  readonly maximumPacketSize: number
  readonly retainAvailable: boolean
}

export interface OutboxOptions {
  readonly maxPublishes: number
  readonly maxPublishBytes: number
  readonly whenFull: 'wait' | 'reject'
}

/** Where packets go while there is a connection. */
export interface Outlet {
  readonly backlog: number
  send(packet: Outgoing): void
}

/** More than this in our end of the socket waits here instead, bytes. */
const BACKLOG = 256 * 1024
/** Packet id not found. */
const NOT_FOUND = 0x92
/** A packet has at most so many bytes beside topic, payload and properties. */
const HEADER = 12

/**
 * What is published, until the broker has it. It outlives connections: what was sent and not answered is sent again
 * on the next one, in the same order, with `dup` where the broker still knows of it.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #ids: PacketIds
  /** Not sent, in order. */
  #queue: Entry[] = []
  /** Sent and not answered, in the order of sending. */
  readonly #sent = new Map<number, Entry>()
  #bytes = 0
  /** Callers that wait until there is room. */
  #blocked: Entry[] = []
  #outlet: Outlet | undefined
  #limits: BrokerLimits | undefined
  #onEmpty: (() => void)[] = []

  constructor(options: OutboxOptions, ids: PacketIds) {
    this.#options = options
    this.#ids = ids
  }

  /** Messages that the broker does not have. */
  get size(): number {
    return this.#queue.length + this.#sent.size + this.#blocked.length
  }

  add(message: Publishing): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = message.payload.length
      const entry: Entry = { ...message, id: 0, isReceived: false, bytes, resolve, reject }
      if (this.#blocked.length === 0 && this.#fits(entry)) {
        this.#admit(entry)
        this.pump()
      } else if (this.#options.whenFull === 'wait') this.#blocked.push(entry)
      else {
        const { maxPublishes, maxPublishBytes } = this.#options
        const text = `at most ${maxPublishes} messages or ${maxPublishBytes} bytes can be on their way to the broker`
        reject(new MqttError('PUBLISH_FULL', `${text}, and so many are: publish again later`))
      }
    })
  }

  /** A connection can be used: what is not answered is sent again, before anything new. */
  opened(outlet: Outlet, limits: BrokerLimits, sessionPresent: boolean): void {
    this.#outlet = outlet
    this.#limits = limits
    for (const entry of this.#sent.values()) {
      if (!sessionPresent) entry.isReceived = false
      if (entry.isReceived) outlet.send({ cmd: 'pubrel', messageId: entry.id })
      else this.#send(outlet, entry, sessionPresent)
    }
    this.pump()
  }

  /** The connection is lost. */
  lost(): void {
    this.#outlet = undefined
    for (const entry of [...this.#sent.values(), ...this.#queue]) {
      if (entry.isBirth) this.#settle(entry)
    }
    this.#queue = this.#queue.filter((entry) => !entry.isBirth)
  }

  /** PUBACK, PUBREC or PUBCOMP. */
  answered({ cmd, messageId, reasonCode = 0, properties }: AnswerPacket): void {
    const entry = this.#sent.get(messageId)
    // A PUBREL that is sent again after its PUBCOMP was lost finds nothing, and that is no error (MQTT 5, 3.7.2.1).
    const isRefused = reasonCode >= 0x80 && !(cmd === 'pubcomp' && reasonCode === NOT_FOUND)
    if (cmd === 'pubrec' && !isRefused) {
      if (entry !== undefined) entry.isReceived = true
      // Of an id that we do not know too, so that the broker forgets it.
      this.#outlet?.send({ cmd: 'pubrel', messageId })
      return
    }
    if (entry === undefined) return
    const said = properties?.reasonString === undefined ? '' : ` (${properties.reasonString})`
    this.#settle(
      entry,
      isRefused
        ? new MqttError(
            'BROKER_REFUSED',
            `the broker refused a message to ${show(entry.topic)}: ${reasonText(reasonCode)}${said}`,
            { reasonCode },
          )
        : undefined,
    )
    this.pump()
  }

  /** Sends what may be sent now. */
  pump(): void {
    const outlet = this.#outlet
    if (outlet === undefined) return
    let count = 0
    for (const entry of this.#queue) {
      if (outlet.backlog > BACKLOG) break
      if (entry.qos > 0) {
        if (this.#sent.size >= this.#limits!.receiveMaximum) break
        const id = this.#ids.take()
        if (id === undefined) break
        entry.id = id
      }
      count++
      const fault = this.#fault(entry)
      if (fault !== undefined) {
        this.#settle(entry, fault)
        continue
      }
      if (entry.qos > 0) this.#sent.set(entry.id, entry)
      this.#send(outlet, entry, false)
      if (entry.qos === 0) this.#settle(entry)
    }
    if (count > 0) this.#queue.splice(0, count)
    this.#unblock()
  }

  /** Resolves when all that was published is with the broker. */
  whenEmpty(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  /** Nothing more is sent: whoever waits is told. */
  close(error: MqttError): void {
    this.#outlet = undefined
    const all = [...this.#sent.values(), ...this.#queue]
    const blocked = this.#blocked
    this.#queue = []
    this.#blocked = []
    for (const entry of all) this.#settle(entry, error)
    for (const entry of blocked) entry.reject(error)
  }

  #fits({ bytes }: Entry): boolean {
    const count = this.#queue.length + this.#sent.size
    if (count === 0) return true
    const { maxPublishes, maxPublishBytes } = this.#options
    return count < maxPublishes && this.#bytes + bytes <= maxPublishBytes
  }

  #admit(entry: Entry): void {
    this.#bytes += entry.bytes
    this.#queue.push(entry)
  }

  #unblock(): void {
    let count = 0
    for (const entry of this.#blocked) {
      if (!this.#fits(entry)) break
      count++
      this.#admit(entry)
    }
    if (count === 0) return
    this.#blocked.splice(0, count)
    this.pump()
  }

  /** Why the broker would end the connection over it, again and again. */
  #fault({ topic, payload, qos, retain, properties }: Entry): MqttError | undefined {
    const { maximumQos, maximumPacketSize, retainAvailable } = this.#limits!
    const refused = (why: string, reasonCode: number): MqttError =>
      new MqttError('BROKER_REFUSED', `the broker takes no message such as that to ${show(topic)}: ${why}`, {
        reasonCode,
      })
    if (qos > maximumQos)
      return refused(`its QoS is ${qos}, and the broker takes at most ${maximumQos}`, 0x9b)
    if (retain && !retainAvailable) return refused('it is to be retained', 0x9a)
    const size = payload.length + Buffer.byteLength(topic) + HEADER + sizeOf(properties)
    if (size > maximumPacketSize)
      return refused(`it has ${size} bytes, and the broker takes at most ${maximumPacketSize}`, 0x95)
    return undefined
  }

  #send(outlet: Outlet, entry: Entry, dup: boolean): void {
    const { id: messageId, topic, payload, qos, retain, properties } = entry
    const packet = { cmd: 'publish', topic, payload, qos, retain, dup, messageId } as const
    outlet.send(properties === undefined ? packet : { ...packet, properties })
  }

  #settle(entry: Entry, error?: Error): void {
    if (entry.id !== 0) {
      this.#ids.free(entry.id)
      this.#sent.delete(entry.id)
    }
    this.#bytes -= entry.bytes
    if (error === undefined) entry.resolve()
    else entry.reject(error)
    if (this.#onEmpty.length === 0) return
    queueMicrotask(() => {
      if (this.size > 0) return
      for (const resolve of this.#onEmpty.splice(0)) resolve()
    })
  }
}

/** Bytes of properties on the wire, at most. */
function sizeOf(properties: PacketProperties | undefined): number {
  if (properties === undefined) return 0
  const { contentType = '', responseTopic = '', correlationData, userProperties = {} } = properties
  let size =
    24 + Buffer.byteLength(contentType) + Buffer.byteLength(responseTopic) + (correlationData?.length ?? 0)
  for (const [name, values] of Object.entries(userProperties)) {
    for (const value of typeof values === 'string' ? [values] : values)
      size += 5 + Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  return size
}
