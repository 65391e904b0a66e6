import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { runsOf, type Run } from '../fixtures/examples/runs.ts'
import { bookText, scriptedFeed } from '../fixtures/order-book/scripted-feed.ts'
import { until } from '../fixtures/until.ts'

let runs: ReturnType<typeof runsOf>
const sockets: WebSocket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
  runs.clean()
})

test.each(['thread', 'process'])(
  'one command replays frames, and every level is right: %s',
  async (placement) => {
    runs = runsOf('order-book')
    const run = runs.start('--once', '--json', '--frames', '20000', '--seed', '7', '--placement', placement)
    expect(await run.ended, run.log()).toBe(0)
    const summary = JSON.parse(run.out()) as Record<string, number>
    expect(summary).toMatchObject({ frames: 20_000, books: 40, wrong: 0, differences: 0, stale: 0 })
    // Its faults were there.
    for (const count of ['levels', 'staled', 'repairs', 'rejected']) expect(summary[count]).toBeGreaterThan(0)
    expect(summary['connections']).toBeGreaterThan(2)
  },
)

test('for people it prints the books', async () => {
  runs = runsOf('order-book')
  const run = runs.start('--once', '--frames', '500', '--markets', '2')
  expect(await run.ended, run.log()).toBe(0)
  expect(run.out()).toMatch(/\d+ levels equal/)
  expect(run.out()).toContain('differing levels: 0, books still stale: 0, books silently wrong: 0')
})

test('wrong options are explained', async () => {
  runs = runsOf('order-book')
  const wrong: [args: string, text: string][] = [
    ['--once --url ws://127.0.0.1:1 --assets x', 'without --url'],
    ['--url http://example.org --assets x', 'ws:// or wss://'],
    ['--url ws://127.0.0.1:1', '--url and --assets together'],
    ['--placement moon', 'inline, thread or process'],
    ['--frames 1e3', 'whole number'],
  ]
  const ended = wrong.map(async ([args, text]) => {
    const run = runs.start(...args.split(' '))
    expect(await run.ended).toBe(1)
    expect(run.log()).toContain(text)
  })
  await Promise.all(ended)
})

async function serving(...args: string[]): Promise<{ run: Run; url: string }> {
  runs = runsOf('order-book')
  const run = runs.start('--port', '0', '--workers', '1', ...args)
  await run.printed('serving')
  return { run, url: /http:\/\/[\d.:]+/.exec(run.out())![0] }
}

async function get(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

interface Listed {
  readonly asset: string
  readonly status: string
}

test('while it runs, books are told over HTTP and WebSocket, and it ends cleanly', async () => {
  const { run, url } = await serving('--markets', '3', '--rate', '500')
  const listed = await until(async () => {
    const { assets } = (await get(`${url}/markets`)).body as unknown as { assets: Listed[] }
    return assets.every(({ status }) => status === 'subscribed') && assets
  })
  expect(listed).toHaveLength(6)
  const [{ asset }] = listed as [Listed]
  expect(await get(`${url}/health`)).toEqual({ status: 200, body: { healthy: true, problems: [] } })

  const book = await get(`${url}/orderbook/${asset}?depth=3`)
  expect(book.status).toBe(200)
  const { bids, asks, bestBid, bestAsk } = book.body as Record<string, { price: string }[]>
  expect([bids!.length, asks!.length]).toEqual([3, 3])
  expect([bids![0]!.price, asks![0]!.price]).toEqual([bestBid, bestAsk])
  expect((await get(`${url}/orderbook/${asset}?depth=no`)).status).toBe(400)
  expect((await get(`${url}/orderbook/unknown`)).status).toBe(404)
  expect((await get(`${url}/nowhere`)).status).toBe(404)

  const stats = await until(async () => {
    const { body } = await get(`${url}/stats`)
    return (body['books'] as Record<string, number>)['updatesApplied']! > 0 && body
  })
  expect(stats).toMatchObject({ subscriptions: { subscribed: 6 }, workers: [{ isAlive: true }] })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toMatch(/^order_book_feed_frames_total \d+$/m)
  expect(metrics).toMatch(/^order_book_subscriptions\{status="subscribed"\} 6$/m)
  expect(metrics).toMatch(/^order_book_updates_applied_total [1-9]\d*$/m)

  const { socket, heard } = listen(`${url.replace('http', 'ws')}/ws/orderbook`)
  await once(socket, 'open')
  socket.send(JSON.stringify({ subscribe: asset, interval_ms: 50 }))
  await until(() => heard.length >= 3)
  const books = heard.map(
    (text) => (JSON.parse(text) as { orderbook: { asset: string; at: number } }).orderbook,
  )
  for (const [n, { asset: of, at }] of books.entries()) {
    expect(of).toBe(asset)
    if (n > 0) expect(at).toBeGreaterThanOrEqual(books[n - 1]!.at)
  }

  run.child.kill('SIGTERM')
  const [code] = (await once(socket, 'close')) as [number]
  expect(code).toBe(1001)
  expect(await run.ended, run.log()).toBe(0)
})

function listen(url: string): { socket: WebSocket; heard: string[] } {
  const [socket, heard] = [new WebSocket(url), [] as string[]]
  sockets.push(socket)
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => heard.push(data.toString()))
  return { socket, heard }
}

describe('with a feed of another', () => {
  test('its assets are followed; what a client asks wrongly is explained', async () => {
    const server = await scriptedFeed((socket, assets) => {
      for (const asset of assets)
        if (asset !== 'b1') socket.send(bookText(asset, 1000, [['0.5', '1.000001']]))
    })
    runs = runsOf('order-book')
    const file = join(runs.folder, 'assets.txt')
    writeFileSync(file, 'a1, a2\nb1\n')
    const run = runs.start('--port', '0', '--url', server.url, '--assets', file, '--workers', '1')
    try {
      await run.printed('serving')
      const url = /http:\/\/[\d.:]+/.exec(run.out())![0]
      await until(async () => (await get(`${url}/orderbook/a2`)).status === 200)
      expect((await get(`${url}/orderbook/a2`)).body).toMatchObject({
        ...{ bids: [{ price: '0.5', size: '1.000001' }], asks: [], bestAsk: null, stale: null },
      })
      expect(await get(`${url}/orderbook/b1`)).toMatchObject({ status: 503, body: { status: 'pending' } })

      const { socket, heard } = listen(`${url.replace('http', 'ws')}/ws/orderbook`)
      await once(socket, 'open')
      const wrong = [
        '{',
        '17',
        '{"subscribe": 7}',
        '{"subscribe": "a1", "interval_ms": 1}',
        '{"subscribe": "zz"}',
      ]
      for (const text of wrong) socket.send(text)
      socket.send(Buffer.from([1]), { binary: true })
      await until(() => heard.length === wrong.length + 1)
      for (const text of heard) expect(JSON.parse(text)).toHaveProperty('error')
      socket.send('{"subscribe": "b1"}')
      await until(() => heard.at(-1)!.includes('has not come yet'))
      socket.send('x'.repeat(10_000))
      expect(((await once(socket, 'close')) as [number])[0]).toBe(1009)

      const elsewhere = listen(`${url.replace('http', 'ws')}/elsewhere`)
      const [error] = (await once(elsewhere.socket, 'close').catch((refused: unknown) => [refused])) as [
        Error,
      ]
      expect(error.message).toContain('404')

      await server.close()
      await until(async () => (await get(`${url}/health`)).status === 503)
      await until(async () => (await get(`${url}/orderbook/a2`)).body['stale'] === 'disconnected')
    } finally {
      run.child.kill('SIGTERM')
    }
    expect(await run.ended, run.log()).toBe(0)
  })
})
