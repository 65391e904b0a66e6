import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import { InvalidOptionError, toError } from '../core/errors.ts'
import { checkOptions, custom, string } from '../core/options.ts'
import { Service } from '../core/service.ts'
import { answerTo, PROBES, type Probed } from './probe-answer.ts'

export interface ProbeServerOptions {
  /** TCP port; 0 for any that is free, which `port` then tells. */
  readonly port: number
  /** The address that it listens on. Default: 127.0.0.1, which nothing outside this machine reaches. */
  readonly host?: string
}

const rules = {
  port: custom<number>('an integer from 0 to 65535', isPort),
  host: string({ default: '127.0.0.1' }),
}

/** A probe is a few hundred bytes: who takes longer to send them, or comes in such numbers, is no probe. */
const REQUEST_MS = 5000
const MAX_CONNECTIONS = 256

/**
 * Answers the three questions of Kubernetes, load balancers and other minders over HTTP:
 *
 *     const probes = new ProbeServer(server, { port: 8080, host: '0.0.0.0' })
 *     await probes.start()
 *     await server.runForever()
 *
 * `GET /startup`, `/ready` and `/live` give 200, or 503 with the reason: JSON, never cached. It answers until it is
 * stopped, while the server drains too, and never keeps the process alive.
 */
export class ProbeServer extends Service {
  readonly #probed: Probed
  readonly #options: { readonly port: number; readonly host: string }
  #http: HttpServer | undefined

  /** @throws InvalidOptionError naming the option. */
  constructor(server: Probed, options: ProbeServerOptions) {
    super()
    this.#probed = server
    this.#options = checkOptions('ProbeServer', rules, options)
  }

  /** The port that it listens on; before it listens, the one that was asked for. */
  get port(): number {
    const address = this.#http?.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }

  /** Without a path: `http://127.0.0.1:8080`. */
  get url(): string {
    const { host } = this.#options
    return `http://${isIPv6(host) ? `[${host}]` : host}:${this.port}`
  }

  /** @throws InvalidOptionError when it cannot listen there: the port is taken, or not for this user. */
  protected override async onStart(): Promise<void> {
    const http = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
      (request, response) => answer(this.#probed, request, response),
    )
    http.maxConnections = MAX_CONNECTIONS
    http.on('connection', (socket) => socket.unref())
    await listen(http, this.#options)
    http.unref()
    this.#http = http
  }

  protected override async onStop(): Promise<void> {
    const http = this.#http
    if (http === undefined) return
    this.#http = undefined
    const closed = once(http, 'close')
    // A process whose last task this is must not end before it is done.
    http.ref()
    http.close()
    http.closeAllConnections()
    await closed
  }
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535
}

function answer(probed: Probed, request: IncomingMessage, response: ServerResponse): void {
  const [path = ''] = (request.url ?? '').split('?')
  const question = PROBES.get(path)
  if (question === undefined) {
    return send(response, 404, { error: `there is ${[...PROBES.keys()].join(', ')}` })
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return send(response, 405, { error: 'expected the method to be GET or HEAD' })
  }
  try {
    const { code, body } = answerTo(question, probed)
    send(response, code, body)
  } catch (error) {
    // Thrown out of here it would be an exception that nobody caught, and end the process.
    send(response, 503, { ok: false, reason: `its status cannot be told: ${toError(error).message}` })
  }
}

/** Node leaves out the body of an answer to HEAD. */
function send(response: ServerResponse, code: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(code, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    // Nothing is left open: minders connect anew for each probe, and a stop need not wait for anyone.
    connection: 'close',
  })
  response.end(text)
}

async function listen(
  http: HttpServer,
  options: { readonly port: number; readonly host: string },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  http.once('error', reject)
  http.listen(options, resolve)
  try {
    await promise
  } catch (thrown) {
    throw cannotListen(toError(thrown), options)
  }
  http.off('error', reject)
  // A connection that could not be accepted, for want of file handles: whoever asked gets no answer, which is one.
  http.on('error', () => {})
}

function cannotListen(error: NodeJS.ErrnoException, { port, host }: { port: number; host: string }): Error {
  const { code = '' } = error
  if (code === 'EADDRINUSE') {
    const text = `expected port to be free on ${host}, got: ${port}, where another program listens; give another one, or 0 for any`
    return new InvalidOptionError('port', text, { cause: error })
  }
  if (code === 'EACCES') {
    const text = `expected port to be one that this user may listen on, got: ${port}; most may not below 1024`
    return new InvalidOptionError('port', text, { cause: error })
  }
  if (NO_SUCH_HOST.has(code)) {
    const text = `expected host to be an address of this machine, got: ${JSON.stringify(host)}`
    return new InvalidOptionError('host', text, { cause: error })
  }
  return error
}

const NO_SUCH_HOST: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])
