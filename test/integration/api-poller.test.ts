import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { retryAfterMs } from '../../examples/api-poller/retry-after.ts'
import { runsOf, type Run } from '../fixtures/examples/runs.ts'
import { until } from '../fixtures/until.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

const PAGE = 3

/** A list that grows, in pages of three, with etags; the next answers can be replaced by faults. */
class Api {
  readonly items: { id: number; text: string }[] = []
  readonly requests: { after: string; etag: string | undefined; status: number; at: number }[] = []
  readonly faults: Answer[] = []
  token: string | undefined
  readonly #server: Server = createServer((request, response) => this.#answer(request, response))

  grow(n: number): void {
    for (let i = 0; i < n; i++)
      this.items.push({ id: this.items.length + 1, text: `item ${this.items.length + 1}` })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/items`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const after = new URL(request.url!, 'http://api').searchParams.get('after') ?? ''
    const etag = request.headers['if-none-match']
    const noted = { after, etag, status: 0, at: performance.now() }
    this.requests.push(noted)
    response.on('close', () => (noted.status = response.headersSent ? response.statusCode : 0))
    const fault = this.faults.shift()
    if (fault !== undefined) return fault(response, request)
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      return void response.writeHead(401).end('who are you?')
    }
    const from = Number(after)
    const items = this.items.slice(from, from + PAGE)
    const next = from + PAGE < this.items.length ? String(from + PAGE) : null
    const current = `"${from}-${items.length}-${next}"`
    if (etag === current) return void response.writeHead(304).end()
    response.writeHead(200, { 'content-type': 'application/json', etag: current })
    response.end(JSON.stringify({ items, next }))
  }
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end()

let runs: ReturnType<typeof runsOf>
let api: Api
let url: string
beforeEach(async () => {
  runs = runsOf('api-poller')
  api = new Api()
  url = await api.listen()
})
afterEach(() => {
  api.close()
  runs.clean()
})

function printed(run: Run): number[] {
  const whole = run.out().slice(0, run.out().lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { id: number }).id)
}

function stored(): number[] {
  const db = new DatabaseSync(join(runs.folder, '.millhand/api-poller.db'), { readOnly: true })
  try {
    return db
      .prepare('SELECT id FROM items')
      .all()
      .map(({ id }) => Number(id))
      .sort((a, b) => a - b)
  } finally {
    db.close()
  }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

async function stop(run: Run): Promise<void> {
  run.child.kill('SIGTERM')
  expect(await run.ended, run.log()).toBe(0)
}

describe('the api-poller', () => {
  test('reads the whole list by its cursor, ends with --once, and the next run gets only what is new', async () => {
    api.grow(10)
    const first = runs.start(url, '--once')
    expect(await first.ended, first.log()).toBe(0)
    expect(printed(first)).toEqual(upTo(10))
    expect(api.requests.map(({ after }) => after)).toEqual(['', '3', '6', '9'])

    api.grow(4)
    const second = runs.start(url, '--once')
    expect(await second.ended, second.log()).toBe(0)
    expect(printed(second)).toEqual([11, 12, 13, 14])
    expect(api.requests.slice(4).map(({ after }) => after)).toEqual(['9', '12'])
    expect(stored()).toEqual(upTo(14))
  })

  test('asks with the etag at the end of the list, so that nothing new costs nothing, and ends with 0 at SIGTERM', async () => {
    api.grow(4)
    const run = runs.start(url, '--every', '0.02')
    await until(() => api.requests.filter((request) => request.status === 304).length >= 3)
    api.grow(1)
    await until(() => printed(run).length === 5)
    await stop(run)
    expect(printed(run)).toEqual(upTo(5))
    expect(run.log()).toContain('ended')
  })

  test('survives every kind of bad day, backs off, and still gets each item once', async () => {
    api.grow(7)
    api.faults.push(
      status(500),
      (response) => void response.socket!.destroy(),
      (response) =>
        void response
          .writeHead(200, { 'content-length': '100' })
          .write('{"items": [', () => response.destroy()),
    )
    const run = runs.start(url)
    await until(() => api.requests.length >= 2)
    await until(() => printed(run).length === 7, { timeout: '30s' })
    expect(printed(run)).toEqual(upTo(7))
    const gaps = api.requests.slice(1, 4).map(({ at }, i) => at - api.requests[i]!.at)
    // 1 s, 2 s and 4 s, half of each by chance.
    for (const [i, gap] of gaps.entries()) expect(gap).toBeGreaterThan(500 * 2 ** i - 50)
    expect(run.log().match(/a request failed/g)).toHaveLength(3)
    await stop(run)
  })

  test('gives up on an answer that hangs, or is nonsense, at its timeout', async () => {
    api.grow(1)
    api.faults.push(
      () => {},
      (response) => void response.end('<html>'),
    )
    const run = runs.start(url, '--timeout', '0.3', '--once')
    expect(await run.ended, run.log()).toBe(0)
    expect(printed(run)).toEqual([1])
    expect(run.log()).toMatch(/aborted due to timeout/)
    expect(run.log()).toMatch(/not valid JSON/)
  })

  test('waits as long as Retry-After asks, be that longer than its own back-off', async () => {
    api.grow(1)
    api.faults.push(status(429, { 'retry-after': '3' }))
    const run = runs.start(url, '--once')
    expect(await run.ended, run.log()).toBe(0)
    expect(printed(run)).toEqual([1])
    expect(api.requests[1]!.at - api.requests[0]!.at).toBeGreaterThan(2_990)
  })

  test('a stop cuts short what it waits for: a hanging request, and a long Retry-After', async () => {
    api.faults.push(() => {})
    const hanging = runs.start(url, '--timeout', '600')
    await until(() => api.requests.length === 1)
    await stop(hanging)
    expect(hanging.log()).not.toContain('failed')

    api.faults.push(status(503, { 'retry-after': '3000' }))
    const waiting = runs.start(url)
    await waiting.printed('a request failed')
    await stop(waiting)
  })

  test('killed with -9 between any two pages it goes on there, and stores each item once', async () => {
    api.grow(60)
    for (let round = 1; round <= 3; round++) {
      const seen = api.requests.length
      const run = runs.start(url)
      await until(() => api.requests.length > seen + 3, { every: 1 })
      run.child.kill('SIGKILL')
      await run.ended
    }
    const last = runs.start(url, '--once')
    expect(await last.ended, last.log()).toBe(0)
    expect(stored()).toEqual(upTo(60))
    // Of each life at most the page under way is asked for again.
    const pages = api.requests.filter((request) => request.etag === undefined).map(({ after }) => after)
    expect(pages.length - new Set(pages).size).toBeLessThanOrEqual(4)
  })

  test('sends its token, never prints it, and ends with 1 when it is refused again and again', async () => {
    api.grow(1)
    api.token = 'top-secret'
    process.env['API_TOKEN'] = 'top-secret'
    const good = runs.start(url, '--once')
    process.env['API_TOKEN'] = 'top-wrong'
    const bad = runs.start(url, '--db', 'other.db')
    delete process.env['API_TOKEN']
    expect(await good.ended, good.log()).toBe(0)
    expect(await bad.ended).toBe(1)
    expect(bad.log()).toContain('answered 401 Unauthorized')
    expect(bad.log() + good.log()).not.toMatch(/top-(?:secret|wrong)/)
  })

  test('says what is wrong with its command line', async () => {
    const run = runs.start('ftp://example.org/')
    expect(await run.ended).toBe(1)
    expect(run.log()).toMatch(/^error: expected one URL that begins with http: or https:, got: ftp:/)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-01-31T12:00:00Z')
  test.each([
    [null, 0],
    ['', 0],
    ['soon', 0],
    ['0', 0],
    ['120', 120_000],
    ['Sat, 31 Jan 2026 12:01:00 GMT', 60_000],
    ['Sat, 31 Jan 2026 11:00:00 GMT', 0],
    ['999999999', 3_600_000],
  ])('%j asks for %d ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms)
  })
})
