import { connectAsync, type MqttClient } from 'mqtt'
import type { Kind } from './readings.ts'

export interface FleetOptions {
  readonly url: string
  readonly isV5: boolean
  readonly devices: number
  /** How many minutes of readings it sends. */
  readonly minutes: number
}

/** What was sent. */
export interface Sent {
  messages: number
  /** That are whole, each counted once. */
  readings: number
  duplicates: number
  gaps: number
  broken: number
  commands: number
}

/** Devices measure each kind so often. */
export const EVERY_MS = 10_000
const ANSWER_MS = 10_000
const BROKEN: readonly string[] = [
  '{"celsius": 21.4, "at": 17',
  '{"celsius": "warm", "at": 1767225600000, "boot": 1, "seq": 1}',
  '{"celsius": 2000, "at": 1767225600000, "boot": 1, "seq": 1}',
  '',
]

/** Simulated devices on one connection, with the faults of real ones: they repeat, lose and garble readings. */
export class Fleet {
  readonly sent: Sent = { messages: 0, readings: 0, duplicates: 0, gaps: 0, broken: 0, commands: 0 }
  readonly #options: FleetOptions
  readonly #client: MqttClient
  readonly #boot = Math.floor(Date.now() / 1000)
  readonly #answers = new Map<string, (answer: unknown) => void>()
  #step = 0

  private constructor(options: FleetOptions, client: MqttClient) {
    this.#options = options
    this.#client = client
    client.on('message', (_topic, payload, { properties }) => {
      const answer = JSON.parse(payload.toString()) as { id?: string }
      const id = properties?.correlationData?.toString() ?? answer.id
      if (id !== undefined) this.#answers.get(id)?.(answer)
    })
  }

  static async connect(options: FleetOptions): Promise<Fleet> {
    const client = await connectAsync(options.url, { protocolVersion: options.isV5 ? 5 : 4 })
    const fleet = new Fleet(options, client)
    await client.subscribeAsync(options.isV5 ? fleet.#replies : 'fleet/+/answers', { qos: 1 })
    return fleet
  }

  /** All readings of all minutes, as fast as the broker takes them. @param from when the first was measured. */
  async sendAll(from: number): Promise<void> {
    const steps = (this.#options.minutes * 60_000) / EVERY_MS
    for (let step = 0; step < steps; step++) await this.sendStep(from + step * EVERY_MS)
  }

  /** One reading of each kind of each device. */
  async sendStep(at: number): Promise<void> {
    const step = this.#step++
    const sending: Promise<void>[] = []
    for (let number = 0; number < this.#options.devices; number++) {
      const device = `device-${number}`
      if (step === 0) sending.push(this.#send(device, 'state', { state: 'online', at }))
      const celsius = round(20 + 5 * Math.sin(step / 20 + number))
      const percent = round(50 + 10 * Math.cos(step / 30 + number))
      sending.push(this.#measure(device, 'temperature', { celsius, at }, step, number))
      sending.push(this.#measure(device, 'humidity', { percent, at }, step, number + 1))
    }
    await Promise.all(sending)
  }

  /** Asks about a device. @throws Error when there is no answer. */
  async ask(number: number, command: 'latest' | 'minutes'): Promise<unknown> {
    const device = `device-${number}`
    const id = `question-${this.sent.commands++}`
    const answered = Promise.withResolvers<unknown>()
    this.#answers.set(id, answered.resolve)
    const late = setTimeout(
      () => answered.reject(new Error(`nobody answered ${command} of ${device} within ${ANSWER_MS} ms`)),
      ANSWER_MS,
    )
    try {
      if (this.#options.isV5) {
        await this.#send(
          device,
          'commands',
          { command },
          { responseTopic: this.#replies, correlationData: Buffer.from(id) },
        )
      } else await this.#send(device, 'commands', { command, id })
      return await answered.promise
    } finally {
      clearTimeout(late)
      this.#answers.delete(id)
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync()
  }

  get #replies(): string {
    return `fleet-replies/${this.#client.options.clientId}`
  }

  async #measure(device: string, kind: Kind, reading: object, seq: number, salt: number): Promise<void> {
    const dice = (seq * 31 + salt * 17) % 97
    // Lost on the way to the broker: the numbers before and after tell. The first and last ones of a boot cannot.
    const steps = (this.#options.minutes * 60_000) / EVERY_MS
    if (dice === 1 && seq > 0 && seq < steps - 1) {
      this.sent.gaps++
      return
    }
    const payload = { ...reading, boot: this.#boot, seq }
    this.sent.readings++
    await this.#send(device, kind, payload)
    if (dice === 2) {
      this.sent.duplicates++
      await this.#send(device, kind, payload)
    }
    if (dice === 3) {
      this.sent.broken++
      await this.#send(device, kind, BROKEN[seq % BROKEN.length]!)
    }
  }

  async #send(device: string, what: string, payload: object | string, properties?: object): Promise<void> {
    this.sent.messages++
    await this.#client.publishAsync(
      `fleet/${device}/${what}`,
      typeof payload === 'string' ? payload : JSON.stringify(payload),
      { qos: 1, retain: what === 'state', ...(properties && { properties }) },
    )
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
