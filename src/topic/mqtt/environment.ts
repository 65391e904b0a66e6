import { InvalidOptionError, show } from '../../core/errors.ts'

/** What the environment says of the broker, complete with the defaults of each variable. */
export interface MqttEnvironment {
  /** Without credentials: `mqtt://localhost:1883`. */
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly clientId: string
  readonly groupName: string
}

/** The schemes that a broker may be named with, and the port that each has when none is given. */
const PORTS: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 }
const ALIASES: Readonly<Record<string, string>> = { tcp: 'mqtt', ssl: 'mqtts', tls: 'mqtts' }
const TLS_PORT = 8883

/**
 * The variables MQTT_BROKER (a host, or a URL; default localhost), MQTT_PORT (default 1883, and 8883 for TLS, which
 * that port also asks for), MQTT_USERNAME, MQTT_PASSWORD, MQTT_CLIENT_ID (default mqtt-worker) and MQTT_GROUP_NAME
 * (default mqtt_framework_group). One that is empty counts as not set.
 * @throws InvalidOptionError naming the variable; never with a user name or password in it.
 */
export function mqttEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): MqttEnvironment {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined
  const given = brokerOf(read('MQTT_BROKER') ?? 'localhost')
  const port = portOf(read('MQTT_PORT')) ?? given.port
  const scheme = given.scheme ?? (port === TLS_PORT ? 'mqtts' : 'mqtt')
  const { host, path } = given
  return {
    url: `${scheme}://${host}:${port ?? PORTS[scheme]!}${path}`,
    // A password may well begin or end with a space.
    username: environment['MQTT_USERNAME'] || given.username,
    password: environment['MQTT_PASSWORD'] || given.password,
    clientId: read('MQTT_CLIENT_ID') ?? 'mqtt-worker',
    groupName: read('MQTT_GROUP_NAME') ?? 'mqtt_framework_group',
  }
}

interface Broker {
  readonly scheme: string | undefined
  readonly host: string
  readonly port: number | undefined
  readonly path: string
  readonly username: string | undefined
  readonly password: string | undefined
}

function brokerOf(text: string): Broker {
  const [, name] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? []
  const scheme = name === undefined ? undefined : (ALIASES[name.toLowerCase()] ?? name.toLowerCase())
  // An IPv6 address by itself has colons, and in a URL it needs brackets.
  const bare = name === undefined && /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) ? `[${text}]` : text
  const rest = name === undefined ? bare : text.slice(name.length + 3)
  // Parsed as http, which knows a host from a port; the schemes of MQTT mean nothing to the parser.
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined
  if (url === undefined || url.hostname === '' || (scheme !== undefined && !Object.hasOwn(PORTS, scheme))) {
    throw new InvalidOptionError(
      'MQTT_BROKER',
      'expected MQTT_BROKER to be a host such as broker.example.org, or a URL such as mqtt://host:1883, ' +
        `mqtts://host, ws://host/path, got: ${show(rest.includes('@') ? text.replace(/\/\/.*@|^.*@/, '//***@') : text)}`,
    )
  }
  // The parser leaves out the port 80, which is the one of http.
  const port = /:(\d+)(?:\/|$)/.exec(rest.slice(rest.lastIndexOf('@') + 1).replace(/^\[.*\]/, ''))?.[1]
  return {
    scheme,
    host: url.hostname,
    port: port === undefined ? undefined : Number(port),
    path: url.pathname === '/' ? '' : url.pathname + url.search,
    username: decoded(url.username),
    password: decoded(url.password),
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 1 && port <= 65_535) return port
  throw new InvalidOptionError(
    'MQTT_PORT',
    `expected MQTT_PORT to be a port from 1 to 65535, got: ${show(text)}`,
  )
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined
  } catch {
    return text
  }
}
