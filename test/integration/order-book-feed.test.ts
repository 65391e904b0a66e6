import { afterEach, describe, expect, test } from 'vitest'
import { createLogger, RetryPolicy } from 'millhand'
import { BookService } from '../../examples/order-book/book-service.ts'
import { Feed } from '../../examples/order-book/feed/feed.ts'
import type { FeedOptions } from '../../examples/order-book/feed/feed-options.ts'
import { NO_FAULTS } from '../../examples/order-book/frames.ts'
import { checkBook } from '../../examples/order-book/check-books.ts'
import { PlainBooks } from '../../examples/order-book/plain-books.ts'
import { Exchange } from '../../examples/order-book/replay/exchange.ts'
import { ReplayServer } from '../../examples/order-book/replay/replay-server.ts'
import { bookText, changeText, scriptedFeed, type Script } from '../fixtures/order-book/scripted-feed.ts'
import { until } from '../fixtures/until.ts'

const QUICK = {
  ...{ backoff: new RetryPolicy({ baseDelay: '10ms', maxDelay: '100ms' }), repairMs: 10, bookMs: 5000 },
}
const AT = 1_767_225_600_000
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function feedOf(script: Script, onConnection?: Parameters<typeof scriptedFeed>[1]) {
  const server = await scriptedFeed(script, onConnection)
  cleanups.push(() => server.close())
  return server
}

/** A feed that routes into a list. */
function follow(url: string, options: Partial<FeedOptions> = {}) {
  const routed: [market: string, text: string][] = []
  const feed = new Feed(
    { url, ...QUICK, ...options },
    (market, data) => void routed.push([market, Buffer.from(data).toString()]),
  )
  cleanups.push(() => feed.stop())
  const isSubscribed = (): boolean =>
    feed.registry.size > 0 && feed.registry.count().subscribed === feed.registry.size
  return { feed, routed, isSubscribed }
}

/** The whole service, its workers in this thread or others. */
async function serve(
  url: string,
  placement: 'inline' | 'thread' = 'inline',
  options: Partial<FeedOptions> = {},
) {
  const logger = createLogger({ level: 'silent' })
  const service = new BookService({ feed: { url, ...QUICK, ...options }, workers: 2, placement, logger })
  await service.group.start()
  cleanups.push(() => service.group.stop({ timeout: '5s' }))
  cleanups.push(() => service.feed.stop())
  return service
}

const answer: Script = (socket, assets) =>
  socket.send(`[${assets.map((asset) => bookText(asset, AT)).join(',')}]`)

describe('connections', () => {
  test('take 500 assets each at most, and send PING', async () => {
    const server = await feedOf(answer)
    const { feed, isSubscribed } = follow(server.url, { pingMs: 20 })
    feed.subscribe(Array.from({ length: 1200 }, (_, n) => `m${n >> 1}-${n & 1}`))
    await until(isSubscribed)
    expect(server.asked.map(({ length }) => length)).toEqual([500, 500, 200])
    await until(() => server.texts.includes('PING'))
  })

  test('that the feed closes at once are tried again with growing waits, until it behaves', async () => {
    const times: number[] = []
    const server = await feedOf(
      (socket, assets, number) => answer(socket, assets, number),
      (socket) => {
        times.push(performance.now())
        if (times.length <= 4) socket.terminate()
      },
    )
    const { feed, isSubscribed } = follow(server.url, {
      backoff: new RetryPolicy({ baseDelay: '40ms', maxDelay: '80ms', backoffFactor: 2 }),
    })
    feed.subscribe(['a1', 'a2'])
    await until(isSubscribed)
    const waits = times.slice(1).map((time, n) => time - times[n]!)
    expect(waits[0]).toBeGreaterThan(35)
    for (const wait of waits.slice(1)) expect(wait).toBeGreaterThan(75)
    expect(feed.counts.ended).toBe(4)
  })

  test('wait from 1 s to 30 s by default', async () => {
    const { FEED_DEFAULTS } = await import('../../examples/order-book/feed/feed-options.ts')
    const waits = [0, 1, 2, 4, 5, 9].map((retries) => FEED_DEFAULTS.backoff.delayMs(retries, 1))
    expect(waits).toEqual([1000, 2000, 4000, 16_000, 30_000, 30_000])
    expect(FEED_DEFAULTS).toMatchObject({ silenceMs: 60_000, maxAssets: 500 })
  })

  test('that fall silent are given up, and their markets are told so', async () => {
    const server = await feedOf((socket, assets, number) => {
      answer(socket, assets, number)
      // Only a frame in time keeps it.
      if (number > 0) setInterval(() => socket.send('PONG'), 10).unref()
    })
    const { feed, routed, isSubscribed } = follow(server.url, { silenceMs: 100, pingMs: 20 })
    feed.subscribe(['a1'])
    await until(() => server.asked.length === 2)
    expect(routed).toContainEqual(['a', '!disconnected'])
    await until(isSubscribed)
    expect(feed.connections.every(({ isHealthy }) => isHealthy)).toBe(true)
  })

  test('that are silent are not healthy before they are given up', async () => {
    const server = await feedOf(answer)
    const { feed, isSubscribed } = follow(server.url, { silenceMs: 50, pingMs: 10_000 })
    feed.subscribe(['a1'])
    await until(isSubscribed)
    await until(() => feed.connections.some(({ isHealthy }) => !isHealthy))
  })

  test('are not read from while there is no room for what they say', async () => {
    const exchange = new Exchange({ seed: 1, markets: 2 })
    const replay = await ReplayServer.listen({ exchange, seed: 1, faults: NO_FAULTS })
    cleanups.push(() => replay.close())
    const room = Promise.withResolvers<void>()
    let [routed, isFull] = [0, false]
    const feed = new Feed({ url: replay.url, ...QUICK }, () => {
      routed++
      return isFull ? room.promise : undefined
    })
    cleanups.push(() => feed.stop())
    const assets = exchange.markets.flatMap((market) => market.assets)
    feed.subscribe(assets)
    await until(() => feed.registry.count().subscribed === 4)
    isFull = true
    const playing = replay.play(40_000)
    await until(() => routed > 4)
    const drained = { is: false }
    const draining = playing.then(() => replay.drained()).then(() => (drained.is = true))
    await until(() => feed.connections.every((connection) => connection.isPaused))
    expect(routed).toBeLessThan(40_000)
    expect(drained.is).toBe(false)
    isFull = false
    room.resolve()
    await draining
    expect(routed).toBe(40_004)
  })
})

describe('books that do not come', () => {
  test('are asked for again by smaller connections', async () => {
    const server = await feedOf((socket, assets, number) => {
      if (assets.length <= 10) answer(socket, assets, number)
    })
    const { feed, isSubscribed } = follow(server.url, { bookMs: 30, maxTries: 5 })
    feed.subscribe(Array.from({ length: 40 }, (_, n) => `m${n >> 1}-${n & 1}`))
    await until(isSubscribed)
    expect(server.asked[0]).toHaveLength(40)
  })

  test('expire after some tries; asked for anew they are pending again', async () => {
    let isThere = false
    const server = await feedOf((socket, assets, number) => {
      answer(socket, isThere ? assets : assets.filter((asset) => asset !== 'gone1'), number)
    })
    const { feed, isSubscribed } = follow(server.url, { bookMs: 20, maxTries: 3 })
    feed.subscribe(['a1', 'gone1', 'a2'])
    await until(() => feed.registry.get('gone1')?.status === 'expired')
    expect(server.asked.filter((assets) => assets.includes('gone1'))).toHaveLength(3)
    expect(feed.registry.count()).toEqual({ subscribed: 2, expired: 1, pending: 0 })
    isThere = true
    feed.subscribe(['gone1'])
    expect(feed.registry.get('gone1')?.status).toBe('pending')
    await until(isSubscribed)
  })
})

describe('rubbish', () => {
  test.each([
    ['binary', Buffer.from([1, 2, 3])],
    ['half an array', `[${bookText('a1', AT).slice(0, 50)}`],
    ['no JSON at all', 'hello'],
  ])('%s makes all books of its connection stale, and they are fetched anew', async (_what, rubbish) => {
    const server = await feedOf((socket, assets, number) => {
      answer(socket, assets, number)
      if (number === 0) setTimeout(() => socket.send(rubbish), 50)
    })
    const service = await serve(server.url)
    service.feed.subscribe(['a1', 'a2', 'b1'])
    await until(() => server.asked.length >= 2)
    for (const asset of ['a1', 'a2', 'b1'])
      await until(async () => (await service.book(asset, 5))?.stale === null)
    await until(() => service.feed.connections.length === 1)
    expect(service.feed.counts.broken + service.feed.counts.binary).toBe(1)
    expect(server.asked[1]).toEqual(['a1', 'a2', 'b1'])
  })

  test('a frame of 20 MB ends its connection unread; the others go on', async () => {
    const server = await feedOf((socket, assets, number) => {
      answer(socket, assets, number)
      if (assets.includes('a1') && number < 2) socket.send('x'.repeat(20 * 1024 * 1024))
    })
    const { feed, routed } = follow(server.url, { maxAssets: 2 })
    feed.subscribe(['a1', 'a2', 'b1', 'b2'])
    await until(() => routed.some(([market, text]) => market === 'a' && text === '!disconnected'))
    // Perhaps it was too much at once: one by one.
    await until(() => feed.registry.count().subscribed === 4)
    expect(feed.counts.broken).toBe(1)
    expect(routed.filter(([market]) => market === 'b').every(([, text]) => text !== '!disconnected')).toBe(
      true,
    )
  })

  test.each([
    ['a price of 1e-7', { price: '1e-7', size: '1', best_bid: '0.4' }, 'unreadable'],
    ['a negative size', { price: '0.4', size: '-1', best_bid: '0.4' }, 'unreadable'],
    ['another best bid', { price: '0.3', size: '1', best_bid: '0.41' }, 'gap'],
    ['a bid across the asks', { price: '0.7', size: '1', best_bid: '0.7', best_ask: '0.6' }, 'crossed'],
  ])(
    '%s marks the book stale at once, and it is right again by a new snapshot',
    async (_what, change, reason) => {
      const seen = Promise.withResolvers<void>()
      const server = await feedOf((socket, _assets, number) => {
        const book = bookText('a1', AT + 2 * number, [['0.4', '10']], [['0.6', '10.000001']])
        if (number > 0) return void seen.promise.then(() => socket.send(book))
        socket.send(book)
        socket.send(changeText('a1', AT + 1, { best_ask: '0.6', ...change }))
      })
      const service = await serve(server.url)
      service.feed.subscribe(['a1'])
      await until(async () => (await service.book('a1', 5))?.stale === reason)
      await until(() => service.stale.get('a') === reason)
      seen.resolve()
      await until(async () => (await service.book('a1', 5))?.stale === null)
      await until(() => service.stale.size === 0)
      expect(await service.book('a1', 5)).toMatchObject({
        ...{ bids: [{ price: '0.4', size: '10' }], asks: [{ price: '0.6', size: '10.000001' }] },
      })
    },
  )

  test('a crossed book is never served as right', async () => {
    const server = await feedOf((socket) => socket.send(bookText('a1', AT, [['0.6', '1']], [['0.5', '1']])))
    const service = await serve(server.url)
    service.feed.subscribe(['a1'])
    expect(await until(() => service.book('a1', 5))).toMatchObject({ stale: 'new', bids: [], asks: [] })
  })
})

test('a market is taken over when all its books have come, with everything since the first of them', async () => {
  const sockets: Parameters<Script>[0][] = []
  const server = await feedOf((socket, assets, number) => {
    if (sockets.push(socket) === 1) answer(socket, assets, number)
  })
  const { feed, routed, isSubscribed } = follow(server.url)
  feed.subscribe(['a1', 'a2'])
  await until(isSubscribed)
  feed.recycle()
  await until(() => sockets.length === 2)
  const change = (at: number): string => changeText('a1', at, { price: '0.1', size: '1', best_bid: '0.1' })
  const taken = routed.length
  const send = async (from: 0 | 1, text: string): Promise<void> => {
    const { frames } = feed.counts
    sockets[from]!.send(text)
    await until(() => feed.counts.frames > frames)
  }
  await send(1, bookText('a1', AT + 1))
  await send(1, change(AT + 2))
  await send(0, change(AT + 3))
  await send(1, change(AT + 4))
  expect(routed.slice(taken)).toEqual([['a', change(AT + 3)]])
  await send(1, bookText('a2', AT + 5))
  await send(1, change(AT + 6))
  expect(routed.slice(taken + 1).map(([, text]) => text)).toEqual([
    ...[bookText('a1', AT + 1), change(AT + 2), change(AT + 4), bookText('a2', AT + 5), change(AT + 6)],
  ])
  await until(() => sockets[0]!.readyState === sockets[0]!.CLOSED)
  expect(feed.counts).toMatchObject({ recycled: 1, ended: 0, foreign: 0 })
})

test('connections are replaced under load without a frame lost or taken twice', async () => {
  const exchange = new Exchange({ seed: 3, markets: 6 })
  const told: string[] = []
  const replay = await ReplayServer.listen({
    ...{ exchange, seed: 3, faults: NO_FAULTS, onFrame: (text: string) => void told.push(text) },
  })
  cleanups.push(() => replay.close())
  const { feed, routed, isSubscribed } = follow(replay.url)
  feed.subscribe(exchange.markets.flatMap((market) => market.assets))
  await until(isSubscribed)
  for (let round = 0; round < 5; round++) {
    const playing = replay.play(2000, 20_000)
    const before = feed.connections
    feed.recycle()
    await playing
    await until(() => feed.connections.every((connection) => !before.includes(connection)))
  }
  await replay.drained()
  expect(feed.counts.recycled).toBe(5)
  for (const { market } of exchange.markets) {
    const got = routed
      .filter(([of, text]) => of === market && !text.includes('"tick_size"'))
      .map(([, text]) => text)
    const all = told.filter((text) => text.includes(market))
    // Where one took over from the other, what both have told may come twice, after a snapshot: nothing is missing, and
    // what is new comes in order.
    expect(new Set(got)).toEqual(new Set(all))
    const firsts = [...new Set(got)]
    expect(firsts).toEqual(all)
  }
})

test('a worker that dies is replaced, and all books become right again', async () => {
  const exchange = new Exchange({ seed: 4, markets: 10 })
  const plain = new PlainBooks()
  const assets = exchange.markets.flatMap((market) => market.assets)
  for (const asset of assets) plain.apply(exchange.bookText(asset)!)
  const onFrame = (text: string): void => plain.apply(text)
  const replay = await ReplayServer.listen({ exchange, seed: 4, faults: NO_FAULTS, onFrame })
  cleanups.push(() => replay.close())
  const service = await serve(replay.url, 'thread')
  service.feed.subscribe(assets)
  await until(() => service.feed.registry.count().subscribed === assets.length)
  const recovered = new Promise<void>((resolve) =>
    service.group.streamEvents.on('recovered', () => resolve()),
  )
  const playing = replay.play(10_000, 20_000)
  await until(() => service.feed.counts.frames > 2000)
  await service.group.handles[0]!.kill({ kind: 'deadline', error: new Error('killed by a test') })
  await playing
  await recovered
  await replay.drained()
  await until(async () => {
    await service.group.settled()
    const books = await Promise.all(assets.map((asset) => service.book(asset, 1000)))
    return books.every((book) => book?.stale === null)
  })
  for (const asset of assets)
    expect(checkBook(asset, await service.book(asset, 1000), plain).differences).toEqual([])
})
