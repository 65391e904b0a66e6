import { after } from '../../core/timer.ts'
import { type Driver, type Mqtt, openDriver, secondsOf } from './driver.ts'
import type { Intake } from './intake.ts'
import { isLasting, MqttError, reasonText } from './mqtt-error.ts'
import { brokerName, type Settings } from './mqtt-options.ts'
import type { BrokerLimits, Outbox } from './outbox.ts'
import { publishingOf } from './outgoing-message.ts'
import type { PacketIds } from './packet-ids.ts'
import type { AnswerPacket, Incoming, VerdictPacket } from './packets.ts'
import type { Subscribed, Subscriptions } from './subscriptions.ts'

/** What outlives a link. */
export interface LinkParts {
  readonly mqtt: Mqtt
  readonly settings: Settings
  readonly intake: Intake
  readonly outbox: Outbox
  readonly subscriptions: Subscriptions
  readonly ids: PacketIds
  /** What went wrong and does not end the link. */
  readonly onError: (error: Error) => void
}

const TAKEN_OVER = 0x8e
/** How long the good-bye may take. */
const GOODBYE_MS = 1000
const NO_LIMITS: BrokerLimits = {
  receiveMaximum: 65_535,
  maximumQos: 2,
  maximumPacketSize: Number.POSITIVE_INFINITY,
  retainAvailable: true,
}

/** One connection to the network, from CONNECT to its end. It is never used again. */
export class Link {
  readonly #parts: LinkParts
  readonly #broker: string
  readonly #driver: Driver
  readonly #ready = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<MqttError>()
  #error: MqttError | undefined
  #isClosed = false
  #isEstablished = false
  #limits = NO_LIMITS
  /** Whether the broker still had our session. */
  sessionPresent = false
  /** SUBSCRIBE and UNSUBSCRIBE without an answer, by packet id. */
  readonly #asked = new Map<number, PromiseWithResolvers<AnswerPacket>>()
  #pongs = 0
  #pinged: { readonly count: number; readonly resolve: () => void }[] = []

  /** Begins to connect. @throws Error for TLS options that Node refuses. */
  constructor(parts: LinkParts, target: URL) {
    this.#parts = parts
    this.#broker = brokerName(target)
    this.#ready.promise.catch(() => {})
    this.#driver = openDriver(parts.mqtt, parts.settings, target, {
      onPacket: (packet) => this.#onPacket(packet),
      onReady: () => this.#ready.resolve(),
      onDrain: () => parts.outbox.pump(),
      onClose: (error) => this.#onClose(error),
    })
  }

  /** Whether it can be used. */
  get isEstablished(): boolean {
    return this.#isEstablished && !this.#isClosed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves with the reason when it is over. */
  get closed(): Promise<MqttError> {
    return this.#closed.promise
  }

  /**
   * Resolves when the broker has accepted us, the subscriptions are made and the birth message is under way.
   * @returns the error of subscriptions that were refused.
   * @throws MqttError when the link ends before.
   */
  async establish(): Promise<MqttError | undefined> {
    const { settings, outbox, subscriptions } = this.#parts
    const cancel = after(settings.attemptTimeout, () =>
      this.drop(
        new MqttError(
          'BROKER_UNAVAILABLE',
          `${this.#broker} did not answer in ${settings.attemptTimeout} ms`,
        ),
      ),
    )
    try {
      await this.#ready.promise
      outbox.opened(this.#driver, this.#limits, this.sessionPresent)
      const subscribed = new Set<Subscribed>()
      let refused: MqttError | undefined
      // Some may be added meanwhile.
      for (;;) {
        const missing = subscriptions.all.filter((each) => !subscribed.has(each))
        if (missing.length === 0) break
        for (const each of missing) subscribed.add(each)
        const error = await this.subscribe(missing)
        refused ??= error
      }
      const { birth } = settings
      if (birth !== undefined) {
        const message = publishingOf(birth.topic, birth.payload, birth, settings.protocol === '5')
        outbox.add({ ...message, isBirth: true }).catch((error: Error) => this.#parts.onError(error))
      }
      this.#isEstablished = !this.#isClosed
      return refused
    } finally {
      cancel()
    }
  }

  /** @returns the error of those that were refused. @throws MqttError when the link ends before the answer. */
  async subscribe(subscribed: readonly Subscribed[]): Promise<MqttError | undefined> {
    const { subscriptions } = this.#parts
    const batches = subscriptions.batches(subscribed, this.sessionPresent)
    const answers = batches.map(({ entries, id }) =>
      this.#ask((messageId) =>
        this.#driver.send({
          cmd: 'subscribe',
          messageId,
          subscriptions: entries,
          ...(id === undefined ? {} : { properties: { subscriptionIdentifier: id } }),
        }),
      ),
    )
    let first: MqttError | undefined
    for (const [index, answer] of (await Promise.all(answers)).entries()) {
      const { refused, downgraded } = subscriptions.granted(batches[index]!, answer)
      if (downgraded !== undefined) this.#parts.onError(downgraded)
      if (first !== undefined && refused !== undefined) this.#parts.onError(refused)
      first ??= refused
    }
    return first
  }

  /** @throws MqttError when the link ends before the answer. */
  async unsubscribe(filters: readonly string[]): Promise<void> {
    await this.#ask((messageId) =>
      this.#driver.send({ cmd: 'unsubscribe', messageId, unsubscriptions: filters }),
    )
  }

  /** Resolves when the broker has taken all that was sent before, and we all that it had sent by then. */
  async ping(): Promise<void> {
    this.#driver.send({ cmd: 'pingreq' })
    const count = this.#driver.pings
    await new Promise<void>((resolve) => this.#pinged.push({ count, resolve }))
  }

  write(packets: Uint8Array): void {
    if (!this.#isClosed) this.#driver.write(packets)
  }

  /** Ends it at once: nothing more is taken or sent. */
  drop(error: MqttError): void {
    this.#error ??= error
    this.#driver.destroy()
    this.#over()
  }

  /** Ends it in good order: what we have acknowledged reaches the broker, which is to send the rest again. */
  leave(error: MqttError): void {
    if (this.#isClosed) return
    this.#error ??= error
    this.#parts.intake.flush()
    this.end(undefined)
    after(GOODBYE_MS, () => this.#driver.destroy(), { ref: false })
  }

  /** Says good-bye. */
  end(sessionExpiryMs: number | undefined): void {
    this.#error ??= new MqttError('BROKER_UNAVAILABLE', `the connection to ${this.#broker} was ended`)
    const isV5 = this.#parts.settings.protocol === '5'
    this.#driver.end(isV5 && sessionExpiryMs !== undefined ? secondsOf(sessionExpiryMs) : undefined)
    this.#over()
  }

  #onPacket(packet: Incoming): void {
    if (this.#isClosed) return
    const { intake, outbox } = this.#parts
    switch (packet.cmd) {
      case 'publish':
        intake.take(packet)
        break
      case 'pubrel':
        intake.releasedByBroker(packet.messageId)
        break
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        outbox.answered(packet)
        break
      case 'suback':
      case 'unsuback':
        this.#asked.get(packet.messageId)?.resolve(packet)
        break
      case 'pingresp':
        this.#pongs++
        while (this.#pinged.length > 0 && this.#pinged[0]!.count <= this.#pongs)
          this.#pinged.shift()!.resolve()
        break
      case 'connack':
        this.#onConnack(packet)
        break
      case 'disconnect':
        this.drop(this.#farewell(packet))
        break
    }
  }

  #onConnack({ reasonCode, returnCode, sessionPresent = false, properties = {} }: VerdictPacket): void {
    const code = reasonCode ?? returnCode ?? 0
    if (code !== 0) {
      const { reasonString, serverReference } = properties
      const said = reasonString === undefined ? '' : ` (${reasonString})`
      const instead = serverReference === undefined ? '' : `; use ${serverReference} instead`
      const error = `${this.#broker} refused the connection: ${reasonText(code)}${said}${instead}`
      this.#error ??= new MqttError('BROKER_REFUSED', error, { reasonCode: code, serverReference })
      return
    }
    this.sessionPresent = sessionPresent
    this.#limits = {
      receiveMaximum: properties.receiveMaximum ?? NO_LIMITS.receiveMaximum,
      maximumQos: properties.maximumQoS ?? NO_LIMITS.maximumQos,
      maximumPacketSize: properties.maximumPacketSize ?? NO_LIMITS.maximumPacketSize,
      retainAvailable: properties.retainAvailable ?? true,
    }
    // Before the messages of the session, which may have come with it.
    this.#parts.intake.opened(sessionPresent)
  }

  #farewell({ reasonCode = 0, properties = {} }: VerdictPacket): MqttError {
    const { reasonString, serverReference } = properties
    const said = reasonString === undefined ? '' : ` (${reasonString})`
    if (reasonCode === TAKEN_OVER) {
      return new MqttError(
        'CLIENT_TAKEN_OVER',
        `another client has connected to ${this.#broker} with our client id "${this.#parts.settings.clientId}"${said}`,
        { reasonCode },
      )
    }
    const text = `${this.#broker} ended the connection: ${reasonText(reasonCode)}${said}`
    return isLasting(reasonCode) || serverReference !== undefined
      ? new MqttError(
          'BROKER_REFUSED',
          `${text}${serverReference === undefined ? '' : `; use ${serverReference} instead`}`,
          {
            reasonCode,
            serverReference,
          },
        )
      : new MqttError('BROKER_UNAVAILABLE', text, { reasonCode })
  }

  #onClose(cause: Error): void {
    this.#error ??= new MqttError(
      'BROKER_UNAVAILABLE',
      `no connection to ${this.#broker}: ${cause.message || cause.name}`,
      {
        cause,
      },
    )
    this.#over()
    this.#closed.resolve(this.#error)
  }

  /** Nothing of it counts any more, though it may not be closed yet. */
  #over(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#parts.intake.lost()
    this.#parts.outbox.lost()
    this.#ready.reject(this.#error)
    for (const asked of this.#asked.values()) asked.reject(this.#error)
    for (const { resolve } of this.#pinged.splice(0)) resolve()
  }

  async #ask(send: (messageId: number) => void): Promise<AnswerPacket> {
    const { ids } = this.#parts
    if (this.#isClosed) throw this.#error
    const id = ids.take()
    if (id === undefined) throw new MqttError('BROKER_UNAVAILABLE', 'all packet ids are in use')
    const asked = Promise.withResolvers<AnswerPacket>()
    this.#asked.set(id, asked)
    try {
      send(id)
      return await asked.promise
    } finally {
      this.#asked.delete(id)
      ids.free(id)
    }
  }
}
