import type { Buffer } from 'node:buffer'
import type { IClientOptions } from 'mqtt'
import { MillhandError, toError } from '../../core/errors.ts'
import type { Settings, StatusMessage } from './mqtt-options.ts'
import { bufferOf, propertiesOf } from './outgoing-message.ts'
import type { Incoming, Outgoing, PublishPacket } from './packets.ts'
import { PublishReader } from './publish-reader.ts'

/**
 * mqtt.js, of which only this file knows: its sockets, its CONNECT and keep-alive, its reading and writing of packets.
 * One client is one connection to the network. Sessions, acknowledgements, packet ids, subscribing, publishing and
 * reconnecting are ours, since mqtt.js acknowledges before work is done, handles one message at a time, and answers no
 * ping meanwhile.
 *
 * For that, messages never reach it: they are taken from the bytes of its stream, and read here (publish-reader.ts).
 * All other packets it reads itself. They are taken at `packetreceive`, which is documented, and their `cmd` is made
 * one that mqtt.js does not know: it lets them be and reads on. Two it needs itself and handles too, CONNACK and
 * PINGRESP. A version that would handle a message all the same is noticed, and refused.
 */

/** What happens on a connection. */
export interface DriverEvents {
  /** Each packet, at once and in order; the CONNACK too, before anything that comes after it. */
  readonly onPacket: (packet: Incoming) => void
  /** The broker has accepted us, and packets may be sent. */
  readonly onReady: () => void
  /** There is room again for what is to be sent. */
  readonly onDrain: () => void
  /** It is over: once, and nothing comes after it. */
  readonly onClose: (error: Error) => void
}

/** One connection to the network. */
export interface Driver {
  /** What was not taken by the network yet, bytes. */
  readonly backlog: number
  /** How many PINGREQs were sent; the broker answers each in its turn, after all that came before. */
  readonly pings: number
  send(packet: Outgoing): void
  /** Writes packets that are encoded already. */
  write(packets: Uint8Array): void
  /** Says good-bye, and closes when that is sent. @param sessionExpiry in seconds (MQTT 5). */
  end(sessionExpiry: number | undefined): void
  /** Closes at once, without a word: the broker publishes the will. */
  destroy(): void
}

interface Stream {
  readonly writableLength: number
  write(data: Uint8Array): boolean
  destroy(): unknown
  pause(): unknown
  resume(): unknown
  on(event: 'drain', listener: () => void): unknown
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  pipe: (reader: { write(data: Uint8Array): boolean }) => unknown
}

/** What is used of a client, some of it private to mqtt.js: test/unit/topic/mqtt/driver.test.ts sees that it is there. */
interface Client {
  readonly stream: Stream
  /** Opens a connection to the network. */
  streamBuilder: (client: unknown) => Stream
  connect(): unknown
  /** Since the CONNACK. */
  readonly connected: boolean
  on(event: string, listener: (...args: never[]) => void): unknown
  end(force: boolean, disconnect: object): unknown
  handleMessage: () => void
  onKeepaliveTimeout: () => void
  /** Private: writes a packet as it is; `publish` and `subscribe` keep state of their own. */
  _writePacket(packet: object): void
}

/** mqtt.js, loaded. */
export type Mqtt = (options: object) => unknown

/** A command that mqtt.js does not know, and passes over. */
const TAKEN = 'taken'

/** @throws MillhandError DRIVER_MISSING. */
export async function loadMqtt(): Promise<Mqtt> {
  try {
    return (await import('mqtt')).connect
  } catch (cause) {
    throw new MillhandError('DRIVER_MISSING', 'MQTT needs the package mqtt: npm install mqtt', { cause })
  }
}

/**
 * Begins to connect.
 * @param target the host, port and path; the rest is as in `settings`.
 * @throws Error for TLS options that Node refuses.
 */
export function openDriver(mqtt: Mqtt, settings: Settings, target: URL, events: DriverEvents): Driver {
  const client = mqtt({ ...clientOptions(settings, target), manualConnect: true }) as Client
  let failure: Error | undefined
  let packets = 0
  let pings = 0
  const fail = (thrown: unknown): void => {
    failure ??= toError(thrown)
    client.stream.destroy()
  }
  const onPacket = (packet: Incoming): void => {
    packets++
    // What was read together with the packet that ended it.
    if (failure !== undefined) return
    try {
      events.onPacket(packet)
    } catch (error) {
      fail(error)
    }
  }
  divertMessages(client, settings.protocol === '5', onPacket, fail)
  client.on('packetreceive', (packet: { cmd: Incoming['cmd'] | typeof TAKEN }) => {
    const { cmd } = packet
    onPacket(packet as Incoming)
    // These two mqtt.js needs itself.
    if (cmd !== 'connack' && cmd !== 'pingresp') packet.cmd = TAKEN
  })
  client.on('packetsend', (packet: { cmd: string }) => {
    if (packet.cmd === 'pingreq') pings++
  })
  client.handleMessage = () =>
    fail(
      new MillhandError(
        'UNSUPPORTED',
        'this version of the package mqtt cannot be used: npm install mqtt@5.16',
      ),
    )
  // A PINGRESP may be there, unread because the event loop was busy: what is there is read before that is judged.
  const giveUp = client.onKeepaliveTimeout.bind(client)
  client.onKeepaliveTimeout = () => {
    const before = packets
    setImmediate(() => packets === before && giveUp())
  }
  client.on('error', (error: Error) => fail(error))
  client.on('connect', () => {
    if (failure === undefined) events.onReady()
  })
  client.on('close', () => events.onClose(failure ?? new Error('the connection was closed')))
  client.connect()
  const { stream } = client
  stream.on('drain', () => events.onDrain())
  return {
    get backlog() {
      return stream.writableLength
    },
    get pings() {
      return pings
    },
    send: (packet) => client._writePacket(packet),
    write: (bytes) => void stream.write(bytes),
    end: (sessionExpiryInterval) => {
      const properties = sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } }
      if (client.connected) client.end(false, { reasonCode: 0, ...properties })
      else stream.destroy()
    },
    destroy: () => {
      failure ??= new Error('the connection was given up')
      stream.destroy()
    },
  }
}

/**
 * Small reads that follow each other so closely are a flood. What comes is then gathered for a moment: to be woken for
 * each message costs both sides more than the message does.
 */
const FLOOD_MS = 0.2
const LARGE_READ = 16 * 1024
const GATHER_MS = 1

/**
 * mqtt.js reads what its stream is piped to; messages are taken out of that. It reads a packet that is written to it
 * alone at once, so all packets keep their order.
 */
function divertMessages(
  client: Client,
  isV5: boolean,
  onPublish: (packet: PublishPacket) => void,
  fail: (thrown: unknown) => void,
): void {
  const build = client.streamBuilder
  client.streamBuilder = (self) => {
    const stream = build(self)
    stream.pipe = (rest) => {
      const reader = new PublishReader(isV5, { onPublish, onOther: (packet) => void rest.write(packet) })
      let hasFailed = false
      let readAt = 0
      stream.on('data', (chunk) => {
        if (hasFailed) return
        try {
          reader.read(chunk)
        } catch (error) {
          hasFailed = true
          fail(error)
          return
        }
        const now = performance.now()
        if (now - readAt < FLOOD_MS && chunk.length < LARGE_READ) {
          stream.pause()
          setTimeout(() => stream.resume(), GATHER_MS)
        }
        readAt = now
      })
      return rest
    }
    return stream
  }
}

function clientOptions(settings: Settings, target: URL): IClientOptions {
  const { tls = {}, will, sessionExpiryMs } = settings
  const isV5 = settings.protocol === '5'
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    ...(tls as Pick<IClientOptions, 'ca' | 'cert' | 'key'>),
    protocol: target.protocol.slice(0, -1) as 'mqtt' | 'mqtts' | 'ws' | 'wss',
    host,
    hostname: host,
    ...(target.port === '' ? {} : { port: Number(target.port) }),
    path: target.pathname + target.search,
    clientId: settings.clientId,
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password as string }),
    protocolVersion: isV5 ? 5 : 4,
    clean: sessionExpiryMs === 0,
    keepalive: settings.keepAlive,
    connectTimeout: settings.attemptTimeout,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Its own builds the arguments of about ten lines a message, whether somebody reads them or not.
    log: () => {},
    ...(isV5
      ? {
          properties: {
            receiveMaximum: settings.window,
            ...(sessionExpiryMs === 0 ? {} : { sessionExpiryInterval: secondsOf(sessionExpiryMs) }),
          },
        }
      : {}),
    ...(will === undefined
      ? {}
      : {
          will: {
            topic: will.topic,
            payload: bufferOf(will.payload),
            qos: will.qos ?? 1,
            retain: will.retain ?? false,
            ...(isV5 ? { properties: willProperties(will, settings.willDelayMs) } : {}),
          },
        }),
  }
}

type WillProperties = NonNullable<NonNullable<IClientOptions['will']>['properties']>

function willProperties(will: StatusMessage, delayMs: number): WillProperties {
  return { ...propertiesOf(will), willDelayInterval: secondsOf(delayMs) } as WillProperties
}

/** Seconds of MQTT: never less than was asked for. */
export function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000)
}
