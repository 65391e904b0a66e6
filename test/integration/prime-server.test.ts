/** Requests that cost seconds of CPU: were this wrong, one of them would take the server away from everybody. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { PoolStats } from 'millhand/pool'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runsOf, type Run } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

/** Below that, it computes for longer than any of these tests takes. */
const HEAVY = 10_000_000_000

let runs: ReturnType<typeof runsOf>
let leaving: AbortController
beforeEach(() => {
  runs = runsOf('prime-server')
  leaving = new AbortController()
})
afterEach(() => {
  leaving.abort()
  runs.clean()
})

async function serve(...args: string[]): Promise<{ run: Run; url: string }> {
  const run = runs.start('--port', '0', '--timeout', '120', ...args)
  await run.printed('http://127.0.0.1:')
  return { run, url: run.out().trim() }
}

/** A request that its client may leave. */
function ask(
  url: string,
  below: number,
): { answer: Promise<Response>; leave: () => void; isOpen: () => boolean } {
  const gone = new AbortController()
  const signal = AbortSignal.any([gone.signal, leaving.signal])
  let isOpen = true
  const answer = fetch(`${url}/primes?below=${below}`, { signal }).finally(() => (isOpen = false))
  answer.catch(() => {})
  return { answer, leave: () => gone.abort(), isOpen: () => isOpen }
}

async function health(url: string): Promise<PoolStats> {
  const response = await fetch(`${url}/health`)
  expect(response.status).toBe(200)
  return (await response.json()) as PoolStats
}

function untilHealth(url: string, expected: Partial<PoolStats>): Promise<PoolStats> {
  const isAsExpected = (stats: PoolStats): boolean =>
    Object.entries(expected).every(([name, value]) => stats[name as keyof PoolStats] === value)
  return until(
    async () => {
      const stats = await health(url)
      return isAsExpected(stats) ? stats : undefined
    },
    { what: `health to have ${JSON.stringify(expected)}` },
  )
}

describe('prime-server', () => {
  test('says that it is well while eight requests keep all threads busy, and forgets those who leave', async () => {
    const { url } = await serve('--workers', '2')
    const heavy = Array.from({ length: 8 }, () => ask(url, HEAVY))
    await untilHealth(url, { sent: 2, waiting: 6 })
    for (let i = 0; i < 20; i++)
      expect(await health(url)).toMatchObject({ sent: 2, waiting: 6, completed: 0 })
    expect(heavy.every(({ isOpen }) => isOpen())).toBe(true)

    for (const { leave } of heavy) leave()
    const { answer } = ask(url, 1_000_000)
    expect(await (await answer).json()).toEqual({ below: 1_000_000, count: 78_498, largest: 999_983 })
    // By the same threads as before.
    expect(await untilHealth(url, { cancelled: 8 })).toMatchObject({ completed: 1, workers: 2, crashes: 0 })
  })

  test('sends away those for whom there is no room, until a client leaves', async () => {
    const { run, url } = await serve('--workers', '1', '--max-queue', '1')
    const running = ask(url, HEAVY)
    await untilHealth(url, { sent: 1, waiting: 0 })
    const waiting = ask(url, 10)
    await untilHealth(url, { sent: 1, waiting: 1 })
    const refused = await ask(url, 10).answer
    expect(refused.status).toBe(503)
    expect(refused.headers.get('Retry-After')).toBe('1')
    expect(await refused.json()).toMatchObject({ error: expect.stringContaining('wait already') as string })

    running.leave()
    expect(await (await waiting.answer).json()).toEqual({ below: 10, count: 4, largest: 7 })
    expect(run.log()).toBe('')
  })

  test('gives up what takes too long, and its thread goes on with the next', async () => {
    const { url } = await serve('--workers', '1', '--timeout', '1')
    const [late, next] = [ask(url, HEAVY), ask(url, 2)]
    expect((await late.answer).status).toBe(504)
    expect(await (await next.answer).json()).toEqual({ below: 2, count: 0, largest: null })
    expect(await health(url)).toMatchObject({ failed: 1, completed: 1, crashes: 0 })
  })

  test('says what is wrong with a request', async () => {
    const { url } = await serve()
    const cases = [
      ['GET', '/primes', 400],
      ['GET', '/primes?below=', 400],
      ['GET', '/primes?below=many', 400],
      ['GET', '/primes?below=-1', 400],
      ['GET', '/primes?below=1.5', 400],
      ['GET', '/primes?below=1e3', 400],
      ['GET', `/primes?below=${HEAVY + 1}`, 400],
      ['GET', '/primes?below='.padEnd(5000, '9'), 400],
      ['GET', '//', 400],
      ['GET', '/', 404],
      ['POST', '/primes?below=10', 405],
      ['GET', '/primes?below=0', 200],
    ] as const
    for (const [method, path, status] of cases) {
      const response = await fetch(url + path, { method })
      expect(response.status, `${method} ${path}`).toBe(status)
      expect(response.headers.get('Content-Type')).toBe('application/json')
      expect(await response.json()).toHaveProperty(status === 200 ? 'count' : 'error')
    }
  })

  test('answers what it has when it is stopped, and ends although a client never finishes its request', async () => {
    const { run, url } = await serve('--workers', '1')
    const slow = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    await once(slow, 'connect')
    slow.write('GET /health HTTP/1.1\r\nHost:')
    const { answer, isOpen } = ask(url, 300_000_000)
    await untilHealth(url, { sent: 1 })
    expect(isOpen()).toBe(true)
    run.child.kill('SIGTERM')
    const response = await answer
    expect(await response.json()).toEqual({ below: 300_000_000, count: 16_252_325, largest: 299_999_977 })
    expect(response.headers.get('Connection')).toBe('close')
    expect(await run.ended).toBe(0)
    expect(run.log()).toBe('')
    await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed')
  })

  test('gives up what is not done within the grace when it is stopped', async () => {
    const { run, url } = await serve('--workers', '1', '--grace', '0.1')
    const heavy = [ask(url, HEAVY), ask(url, HEAVY)]
    await untilHealth(url, { sent: 1, waiting: 1 })
    run.child.kill('SIGTERM')
    for (const { answer } of heavy) expect((await answer).status).toBe(503)
    expect(await run.ended).toBe(0)
  })
})
