import { connectAsync, type MqttClient } from 'mqtt'
import { until } from 'millhand/testing'
import { Random } from '../random.ts'
import type { Numbered } from './settings.ts'

/** One in so many takes long, and holds up the acknowledgements of those behind it. */
const LONG_ONE_IN = 20
const LONG_MS = 400
const SHORT_MS = [1, 20] as const
const TICK_MS = 20
const RECONNECT_MS = 100

/** In a PUBACK: nobody is subscribed, so the broker has thrown the message away. */
const NOBODY = 0x10

/**
 * Publishes numbered messages of QoS 1 all the time, by mqtt.js, which publishes again what the broker has not
 * acknowledged when a connection ended: the broker may then have it twice, and nobody could tell.
 *
 * A mosquitto that restarts has forgotten shared subscriptions until one of their clients is back, says so of each
 * message (MQTT 5), and keeps none. Such a message is not accepted, and is published again.
 */
export class Publisher {
  /** Those that the broker has acknowledged. */
  readonly accepted = new Set<number>()
  /** How often each was sent and not refused: so often the broker may have it. */
  readonly copies = new Map<number, number>()
  readonly #client: MqttClient
  readonly #random: Random
  readonly #perTick: number
  readonly #underWay = new Set<number>()
  readonly #byId = new Map<number, number>()
  readonly #refused = new Set<number>()
  #timer: NodeJS.Timeout | undefined
  #next = 0

  private constructor(client: MqttClient, seed: number, perSecond: number) {
    this.#client = client
    this.#random = new Random(seed)
    this.#perTick = (perSecond * TICK_MS) / 1000
    client.on('error', () => {})
    client.on('packetsend', (packet) => {
      if (packet.cmd !== 'publish') return
      const { n } = JSON.parse(packet.payload.toString()) as Numbered
      this.#byId.set(packet.messageId!, n)
      this.#count(n, 1)
    })
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'puback' || packet.reasonCode !== NOBODY) return
      const n = this.#byId.get(packet.messageId!)!
      this.#refused.add(n)
      this.#count(n, -1)
    })
  }

  static async open(url: string, seed: number, perSecond: number): Promise<Publisher> {
    const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: RECONNECT_MS })
    return new Publisher(client, seed, perSecond)
  }

  get count(): number {
    return this.#next
  }

  /** Begins, or goes on. */
  begin(): void {
    this.#timer = setInterval(() => this.burst(this.#perTick), TICK_MS)
  }

  burst(count: number): void {
    for (let each = 0; each < count; each++) this.#publish()
  }

  /** Publishes nothing more; resolves when the broker has acknowledged all, at that time. */
  async pause(): Promise<void> {
    clearInterval(this.#timer)
    await until(() => this.#underWay.size === 0, { timeout: '30s', what: 'the broker to have all messages' })
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#client.endAsync(true)
  }

  #publish(): void {
    const n = this.#next++
    const isLong = this.#random.integer(1, LONG_ONE_IN) === 1
    const message: Numbered = { n, workMs: isLong ? LONG_MS : this.#random.integer(...SHORT_MS) }
    this.#underWay.add(n)
    this.#send(message)
  }

  #count(n: number, change: number): void {
    this.copies.set(n, (this.copies.get(n) ?? 0) + change)
  }

  #send(message: Numbered): void {
    const { n } = message
    this.#client.publish(`chaos/${n % 8}`, JSON.stringify(message), { qos: 1 }, (error) => {
      if (this.#refused.delete(n)) {
        setTimeout(() => this.#send(message), TICK_MS)
        return
      }
      this.#underWay.delete(n)
      if (!error) this.accepted.add(n)
    })
  }
}
