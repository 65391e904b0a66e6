import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { generate, parser, type IPublishPacket, type Packet } from 'mqtt-packet'

const PROTOCOL = { protocolVersion: 5 } as const
/** So many messages of QoS 1 are under way at once. */
const BATCH = 1000
const KEEP_S = 3600

/** A client of a few lines, to prepare and to check: none of those that are measured has a part in it. */
export class Wire {
  readonly #socket: Socket
  readonly #waiting: { readonly cmd: string; readonly resolve: () => void; left: number }[] = []
  /** Called for each message; those of QoS 1 are acknowledged after it. */
  onMessage: (message: IPublishPacket) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    const parsing = parser(PROTOCOL)
    parsing.on('packet', (packet: Packet) => this.#heard(packet))
    socket.on('data', (data: Buffer) => parsing.parse(data))
  }

  /** @param keeps whether the session outlives the connection, and is what it was before. */
  static async open(url: string, clientId: string, keeps: boolean): Promise<Wire> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    const wire = new Wire(socket)
    const connected = wire.#answer('connack')
    wire.#send({
      ...{ cmd: 'connect', protocolId: 'MQTT', ...PROTOCOL, clientId, clean: !keeps, keepalive: 0 },
      properties: { sessionExpiryInterval: keeps ? KEEP_S : 0 },
    })
    await connected
    return wire
  }

  async subscribe(topic: string, qos: 0 | 1): Promise<void> {
    const granted = this.#answer('suback')
    this.#send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] })
    await granted
  }

  /** Publishes as fast as the broker takes it; resolves when it has all. */
  async publish(messages: readonly { topic: string; payload: string }[], qos: 0 | 1): Promise<void> {
    for (let first = 0; first < messages.length; first += BATCH) {
      const batch = messages.slice(first, first + BATCH)
      const taken = qos === 1 ? this.#answer('puback', batch.length) : this.#answer('pingresp')
      const packets = batch.map(({ topic, payload }, index) =>
        encoded({
          ...{ cmd: 'publish', topic, payload, qos, dup: false, retain: false },
          ...(qos === 1 && { messageId: index + 1 }),
        }),
      )
      if (qos === 0) packets.push(encoded({ cmd: 'pingreq' }))
      this.#socket.write(Buffer.concat(packets))
      await taken
    }
  }

  /** Resolves when all that the broker had for us has arrived. */
  async settled(): Promise<void> {
    const answered = this.#answer('pingresp')
    this.#send({ cmd: 'pingreq' })
    await answered
  }

  /** @param keeps whether the session is kept. */
  async close(keeps: boolean): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#send({
      ...{ cmd: 'disconnect', reasonCode: 0 },
      ...(!keeps && { properties: { sessionExpiryInterval: 0 } }),
    })
    this.#socket.end()
    await closed
  }

  #send(packet: Packet): void {
    this.#socket.write(encoded(packet))
  }

  #answer(cmd: string, left = 1): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ cmd, resolve, left }))
  }

  #heard(packet: Packet): void {
    if (packet.cmd === 'publish') {
      this.onMessage(packet)
      if (packet.qos === 1) this.#send({ cmd: 'puback', messageId: packet.messageId! })
      return
    }
    const index = this.#waiting.findIndex(({ cmd }) => cmd === packet.cmd)
    const waiting = this.#waiting[index]
    if (waiting === undefined || --waiting.left > 0) return
    this.#waiting.splice(index, 1)
    waiting.resolve()
  }
}

function encoded(packet: Packet): Buffer {
  return generate(packet, PROTOCOL)
}
