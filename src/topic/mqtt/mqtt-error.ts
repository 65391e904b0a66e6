import { MillhandError } from '../../core/errors.ts'

/** Which errors a connection to a broker has. */
export type MqttErrorCode =
  /** There is no connection, or it was lost; trying again later may succeed. */
  | 'BROKER_UNAVAILABLE'
  /** The broker said no: to the connection, a subscription or a message. `reasonCode` says why. */
  | 'BROKER_REFUSED'
  /** Another client has connected with our client id. */
  | 'CLIENT_TAKEN_OVER'
  /** The broker has sent what MQTT does not allow. */
  | 'PROTOCOL'
  /** As much is waiting to be published as may. */
  | 'PUBLISH_FULL'
  /** Nobody answered a request in time. */
  | 'REQUEST_TIMEOUT'
  /** A message was not acknowledged in time, and holds up all that came after it. */
  | 'ACK_TIMEOUT'

/** What went wrong between us and a broker. The message names the broker, never a password. */
export class MqttError extends MillhandError {
  declare readonly code: MqttErrorCode
  /** What the broker gave as reason: of MQTT 5, or the return code of CONNACK or SUBACK of MQTT 3.1.1. */
  readonly reasonCode: number | undefined
  /** Where the broker wants us to go instead (MQTT 5): `host` or `host:port`, several separated by spaces. */
  readonly serverReference: string | undefined

  constructor(
    code: MqttErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly reasonCode?: number | undefined
      readonly serverReference?: string | undefined
    } = {},
  ) {
    super(code, message, options)
    this.reasonCode = options.reasonCode
    this.serverReference = options.serverReference
  }
}

/** MQTT 5.0, 2.4 and 3.2.2.2. */
const REASONS: Readonly<Record<number, string>> = {
  0x04: 'disconnected with its will',
  0x10: 'no matching subscribers',
  0x11: 'no such subscription',
  0x80: 'unspecified error',
  0x81: 'malformed packet',
  0x82: 'protocol error',
  0x83: 'implementation specific error',
  0x84: 'unsupported protocol version',
  0x85: 'client id not valid',
  0x86: 'bad user name or password',
  0x87: 'not authorized',
  0x88: 'server unavailable',
  0x89: 'server busy',
  0x8a: 'banned',
  0x8b: 'server shutting down',
  0x8c: 'bad authentication method',
  0x8d: 'keep-alive timeout',
  0x8e: 'session taken over',
  0x8f: 'topic filter invalid',
  0x90: 'topic name invalid',
  0x91: 'packet id in use',
  0x92: 'packet id not found',
  0x93: 'receive maximum exceeded',
  0x94: 'topic alias invalid',
  0x95: 'packet too large',
  0x96: 'message rate too high',
  0x97: 'quota exceeded',
  0x98: 'administrative action',
  0x99: 'payload format invalid',
  0x9a: 'retain not supported',
  0x9b: 'QoS not supported',
  0x9c: 'use another server',
  0x9d: 'server moved',
  0x9e: 'shared subscriptions not supported',
  0x9f: 'connection rate exceeded',
  0xa0: 'maximum connect time',
  0xa1: 'subscription ids not supported',
  0xa2: 'wildcard subscriptions not supported',
}

/** MQTT 3.1.1, 3.2.2.3. */
const RETURN_CODES: Readonly<Record<number, string>> = {
  1: 'unsupported protocol version',
  2: 'client id not valid',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
}

/** `not authorized (0x87)`, for messages. Codes below 0x80 are read as those of a CONNACK of MQTT 3.1.1. */
export function reasonText(code: number): string {
  const name = (code < 0x80 ? RETURN_CODES[code] : undefined) ?? REASONS[code] ?? 'unknown reason'
  return `${name} (0x${code.toString(16).padStart(2, '0')})`
}

/** Reasons of a refused CONNECT that the same attempt will meet again, unless somebody changes something. */
const LASTING = new Set([1, 2, 4, 5, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x9d])

/** Whether trying again is in vain as long as nobody changes something. */
export function isLasting(code: number): boolean {
  return LASTING.has(code)
}
