import type { RequestListener, Server, ServerResponse } from 'node:http'
import type { ErrorCode, MillhandError } from 'millhand'
import type { WorkerPool } from 'millhand/pool'

const MAX = 10_000_000_000

/** What a pool says no with; for anything else it is 500. */
const STATUS: Partial<Record<ErrorCode, number>> = { TASK_TIMEOUT: 504, POOL_FULL: 503, POOL_CLOSED: 503 }

interface Answer {
  readonly status: number
  readonly body: object
}

type PrimePool = WorkerPool<typeof import('./primes.ts')>

/** `GET /primes?below=N` is computed in the pool, `GET /health` is answered here. */
export function requestListener(pool: PrimePool, server: Server): RequestListener {
  return (request, response) => {
    void answer(pool, request.method, request.url, whenGone(response)).then(({ status, body }) => {
      if (status === 503) response.setHeader('Retry-After', '1')
      if (status === 405) response.setHeader('Allow', 'GET')
      // On its way down: another request on this connection would find nobody.
      if (!server.listening) response.setHeader('Connection', 'close')
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
    })
  }
}

/** Aborts when the client has its answer, or leaves before. */
function whenGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}

async function answer(
  pool: PrimePool,
  method: string | undefined,
  path: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const url = URL.parse(path ?? '', 'http://localhost')
  if (url === null) return error(400, 'expected a path')
  if (url.pathname !== '/primes' && url.pathname !== '/health') {
    return error(404, `expected /primes or /health, got: ${url.pathname}`)
  }
  if (method !== 'GET') return error(405, `expected GET, got: ${method}`)
  if (url.pathname === '/health') return { status: 200, body: pool.stats() }
  return primes(pool, url.searchParams.get('below') ?? '', signal)
}

async function primes(pool: PrimePool, below: string, signal: AbortSignal): Promise<Answer> {
  if (!/^\d{1,11}$/.test(below) || Number(below) > MAX) {
    return error(400, `expected below to be a whole number up to ${MAX}, got: ${below}`)
  }
  try {
    return { status: 200, body: await pool.run('countPrimes', [Number(below)], { signal }) }
  } catch (thrown) {
    const { code, message } = thrown as MillhandError
    const status = STATUS[code] ?? 500
    // One that was cancelled has nobody left to be told.
    if (status === 500 && !signal.aborted) console.error(thrown)
    return error(status, status === 500 ? 'internal error' : message)
  }
}

function error(status: number, message: string): Answer {
  return { status, body: { error: message } }
}
