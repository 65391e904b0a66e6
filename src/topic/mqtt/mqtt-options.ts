import { type ByteSize, toBytes } from '../../core/byte-size.ts'
import { backoffMs, type BackoffOptions } from '../../core/backoff.ts'
import { type Duration, toMs } from '../../core/duration.ts'
import { InvalidOptionError, show } from '../../core/errors.ts'
import { randomText } from '../../core/id.ts'
import { type Logger, silentLogger } from '../../core/logger.ts'
import {
  type Checked,
  checkOptions,
  custom,
  duration,
  integer,
  oneOf,
  optional,
  type Rule,
} from '../../core/options.ts'
import type { PublishOptions } from '../message.ts'
import { publishingOf } from './outgoing-message.ts'

/** A message that is sent on our behalf, or by ourselves at each connect. */
export interface StatusMessage extends PublishOptions {
  readonly topic: string
  readonly payload: Uint8Array | string
}

/** The last will: what the broker publishes when the connection ends otherwise than by `disconnect`. */
export interface WillMessage extends StatusMessage {
  /** How long the broker waits for us to come back before it publishes it (MQTT 5). Default 0. */
  readonly delay?: Duration
}

/** What `node:tls` calls so. */
export interface MqttTlsOptions {
  /** Who signs the broker's certificate, PEM. Default: those whom Node trusts. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Our own certificate, PEM, where the broker asks for one. */
  readonly cert?: string | Uint8Array
  /** The key of `cert`, PEM. */
  readonly key?: string | Uint8Array
  /** What `key` is encrypted with. */
  readonly passphrase?: string
  /** The name that the broker's certificate must have. Default: the host of the URL. */
  readonly servername?: string
  /** False trusts everybody who answers. Default true. */
  readonly rejectUnauthorized?: boolean
  readonly ALPNProtocols?: readonly string[]
}

export interface MqttConnectionOptions {
  /** `mqtt://host:1883`, `mqtts://host:8883`, `ws://host/path` or `wss://host/path`. */
  readonly url: string | URL
  /**
   * Who we are to the broker, which keeps the session under this name: stable from run to run, and of one client
   * only. Default: a random one.
   */
  readonly clientId?: string
  /** Default: the user of the URL. */
  readonly username?: string
  /** Default: the password of the URL. */
  readonly password?: string | Uint8Array
  /** Default `'5'`. */
  readonly protocol?: '5' | '3.1.1'
  /**
   * How long the broker keeps the session while we are away: subscriptions, and messages of QoS 1 and 2 that wait.
   * 0: no session is kept, and what was not acknowledged when a connection ends is lost. By MQTT 3.1.1 any other
   * value is for as long as the broker likes. Default: one day with a `clientId`, else 0.
   */
  readonly sessionExpiry?: Duration
  /** Both sides notice within one and a half times this when the other is gone. Default 30 s. */
  readonly keepAlive?: Duration
  /** TLS of `mqtts:` and `wss:`. */
  readonly tls?: MqttTlsOptions
  /**
   * How long a missing broker is waited for at the first connect; 0: one attempt. A refusal that waiting does not
   * cure, such as a wrong password, is not waited for. Default 30 s.
   */
  readonly patience?: Duration
  /** The longest time of one attempt to connect, up to the broker's word. Default 10 s. */
  readonly attemptTimeout?: Duration
  /** Before the first retry. It doubles with each, and is spread at random. Default 250 ms. */
  readonly retryDelay?: Duration
  /** The longest time between two attempts. Default 30 s. */
  readonly maxRetryDelay?: Duration
  /**
   * What to do when the broker names another one (MQTT 5). `refuse`: it is an error. `follow`: go there, with our
   * credentials, by the same protocol; at most five times in a row. Default `'refuse'`.
   */
  readonly redirect?: 'refuse' | 'follow'
  /** How many messages may be with `onMessage` at once, received and not acknowledged. Default 100. */
  readonly window?: number
  /** How many bytes of payload these may have together; a larger one comes alone. Default 16 MiB. */
  readonly windowBytes?: ByteSize
  /**
   * How many bytes of payload may wait for their place in the window. When more arrive the connection is dropped, and
   * the session sends all that was not acknowledged again; of QoS 0 they are thrown away. Default 8 MiB.
   */
  readonly intakeBytes?: ByteSize
  /**
   * How long the oldest message of the window may stay without its acknowledgement, which holds up those of all
   * later ones. Then `overdue` says so, the connection is dropped, and the broker sends it again. Default 15 min.
   */
  readonly ackTimeout?: Duration
  /** How many messages may be published without the broker's word, or wait to be. Default 1,000. */
  readonly maxPublishes?: number
  /** How many bytes of payload these may have together; a larger one goes alone. Default 16 MiB. */
  readonly maxPublishBytes?: ByteSize
  /** What `publish` does when there are as many. Default `'wait'`. */
  readonly whenFull?: 'wait' | 'reject'
  readonly will?: WillMessage
  /** Published at each connect, when the subscriptions are made. */
  readonly birth?: StatusMessage
  /** Default: silent; the events say all. */
  readonly logger?: Logger
}

const DAY_MS = 86_400_000
/** In seconds it has two bytes on the wire. */
const MAX_KEEP_ALIVE_S = 65_535
const PROTOCOLS = ['mqtt:', 'mqtts:', 'ws:', 'wss:']

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isText = (value: unknown): boolean => typeof value === 'string'

const bytes =
  (fallback: ByteSize): Rule<number> =>
  (value, option) =>
    toBytes((value ?? fallback) as ByteSize, option)

const status: Rule<WillMessage> = (value, option) => {
  const message = custom<WillMessage>('{ topic, payload }', isObject)(value, option)
  publishingOf(message.topic, message.payload, message, true)
  return message
}

const seconds: Rule<number> = (value, option) => {
  const rounded = Math.ceil(toMs((value ?? '30s') as Duration, option) / 1000)
  if (rounded >= 1 && rounded <= MAX_KEEP_ALIVE_S) return rounded
  throw new InvalidOptionError(
    option,
    `expected ${option} to be from 1 s to ${MAX_KEEP_ALIVE_S} s, got: ${show(value)}`,
  )
}

const url: Rule<URL> = (value, option) => {
  const text = value instanceof URL ? value.href : value
  const parsed = typeof text === 'string' ? URL.parse(text) : null
  // What was given may have a password in it.
  if (parsed === null || parsed.hostname === '' || !PROTOCOLS.includes(parsed.protocol)) {
    throw new InvalidOptionError(
      option,
      `expected ${option} to be the URL of a broker, such as mqtt://localhost:1883 (also mqtts, ws, wss)`,
    )
  }
  return parsed
}

const secret: Rule<string | Uint8Array> = (value, option) => {
  if (typeof value === 'string' || value instanceof Uint8Array) return value
  throw new InvalidOptionError(option, `expected ${option} to be text or bytes, got: ${typeof value}`)
}

const RULES: {
  readonly url: Rule<URL>
  readonly clientId: Rule<string | undefined>
  readonly username: Rule<string | undefined>
  readonly password: Rule<string | Uint8Array | undefined>
  readonly protocol: Rule<'5' | '3.1.1'>
  readonly sessionExpiry: Rule<number | undefined>
  readonly keepAlive: Rule<number>
  readonly tls: Rule<MqttTlsOptions | undefined>
  readonly patience: Rule<number>
  readonly attemptTimeout: Rule<number>
  readonly retryDelay: Rule<number>
  readonly maxRetryDelay: Rule<number>
  readonly redirect: Rule<'refuse' | 'follow'>
  readonly window: Rule<number>
  readonly windowBytes: Rule<number>
  readonly intakeBytes: Rule<number>
  readonly ackTimeout: Rule<number>
  readonly maxPublishes: Rule<number>
  readonly maxPublishBytes: Rule<number>
  readonly whenFull: Rule<'wait' | 'reject'>
  readonly will: Rule<WillMessage | undefined>
  readonly birth: Rule<StatusMessage | undefined>
  readonly logger: Rule<Logger>
} = {
  url,
  clientId: optional(custom<string>('a text that is not empty', (id) => isText(id) && id !== '')),
  username: optional(custom<string>('a text', isText)),
  password: optional(secret),
  protocol: oneOf(['5', '3.1.1'], '5'),
  sessionExpiry: optional(duration({ default: 0 })),
  keepAlive: seconds,
  tls: optional(custom<MqttTlsOptions>('TLS options', isObject)),
  patience: duration({ default: '30s' }),
  attemptTimeout: duration({ default: '10s', min: '10ms' }),
  retryDelay: duration({ default: '250ms', min: '1ms' }),
  maxRetryDelay: duration({ default: '30s', min: '1ms' }),
  redirect: oneOf(['refuse', 'follow'], 'refuse'),
  window: integer({ min: 1, max: 65_535, default: 100 }),
  windowBytes: bytes('16MiB'),
  intakeBytes: bytes('8MiB'),
  ackTimeout: duration({ default: '15m', min: '1ms' }),
  maxPublishes: integer({ min: 1, max: 65_535, default: 1000 }),
  maxPublishBytes: bytes('16MiB'),
  whenFull: oneOf(['wait', 'reject'], 'wait'),
  will: optional(status),
  birth: optional<StatusMessage>(status),
  logger: custom<Logger>('a logger', isObject, () => silentLogger),
}

/** The options as they are used. `keepAlive` is in seconds, other times in ms. */
export interface Settings extends Omit<Checked<typeof RULES>, 'clientId' | 'sessionExpiry' | 'url'> {
  /** Without credentials, so that it may be shown. */
  readonly url: URL
  readonly clientId: string
  readonly sessionExpiryMs: number
  readonly willDelayMs: number
  readonly backoff: BackoffOptions
}

/**
 * The options, checked and complete.
 * @throws InvalidOptionError that names the option, and never a credential.
 */
export function checkMqttOptions(given: MqttConnectionOptions): Settings {
  const { url: full, clientId, sessionExpiry, ...checked } = checkOptions('MqttConnection', RULES, given)
  const bare = new URL(full)
  bare.username = bare.password = ''
  return Object.freeze({
    ...checked,
    url: bare,
    clientId: clientId ?? `millhand-${randomText(14)}`,
    username: checked.username ?? credential(full.username),
    password: checked.password ?? credential(full.password),
    willDelayMs: toMs(checked.will?.delay ?? 0, 'will.delay'),
    sessionExpiryMs: sessionExpiry ?? (clientId === undefined ? 0 : DAY_MS),
    backoff: {
      baseMs: checked.retryDelay,
      maxMs: checked.maxRetryDelay,
      factor: 2,
      jitter: 'equal',
    } as const,
  })
}

function credential(text: string): string | undefined {
  if (text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** How long to wait before the next attempt, after so many in vain. */
export function retryDelayMs(settings: Settings, attempts: number): number {
  return backoffMs(settings.backoff, attempts)
}

/** `mqtt://host:1883`, for messages: the rest of a URL may have secrets in it. */
export function brokerName({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}
