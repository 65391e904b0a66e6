import { expect, test } from 'vitest'
import { formatPrice, formatSize } from '../../../../examples/order-book/decimal.ts'
import { Exchange } from '../../../../examples/order-book/replay/exchange.ts'
import { FaultyLine, NO_FAULTS, USUAL_FAULTS, type Faults } from '../../../../examples/order-book/frames.ts'
import { Market, newMarketCounts } from '../../../../examples/order-book/market.ts'
import { viewOf } from '../../../../examples/order-book/market-view.ts'
import { FrameParser } from '../../../../examples/order-book/parser.ts'
import { PlainBooks } from '../../../../examples/order-book/plain-books.ts'

/** Markets that follow an exchange over a line with faults. */
class Follower {
  readonly exchange: Exchange
  readonly counts = newMarketCounts()
  readonly parser = new FrameParser()
  readonly markets = new Map<string, Market>()
  readonly #line: FaultyLine

  constructor(seed: number, faults: Faults, markets = 8) {
    this.exchange = new Exchange({ seed, markets })
    this.#line = new FaultyLine(seed, faults)
    for (const { market } of this.exchange.markets) this.markets.set(market, new Market(market, this.counts))
    this.snapshots()
  }

  take(market: string, text: string): void {
    for (const event of this.parser.parse(text)) this.markets.get(market)!.apply(event)
  }

  snapshots(): void {
    for (const { market, assets } of this.exchange.markets)
      for (const asset of assets) this.take(market, this.exchange.bookText(asset)!)
  }

  run(frames: number, onFrame: (market: string, text: string) => void = () => {}): void {
    const deliver = ({ market, text }: { market: string; text: string }): void => {
      onFrame(market, text)
      this.take(market, text)
    }
    for (let n = 0; n < frames; n++) for (const frame of this.#line.send(this.exchange.next())) deliver(frame)
    for (const frame of this.#line.end()) deliver(frame)
  }

  /** Assets whose books are not what is true: those marked stale, and those that are not. */
  wrong(): { stale: number; silent: number; right: number } {
    const found = { stale: 0, silent: 0, right: 0 }
    for (const { assets } of this.markets.values())
      for (const { book } of assets.values()) {
        const isRight = (['BUY', 'SELL'] as const).every((side) => {
          const levels = book
            .levels(side)
            .map(({ price, size }) => ({ price: formatPrice(price), size: formatSize(size) }))
          return JSON.stringify(levels) === JSON.stringify(this.exchange.truth(book.asset, side))
        })
        if (book.stale !== undefined) found.stale++
        else if (isRight) found.right++
        else found.silent++
      }
    return found
  }
}

test('without faults every book is right at any time, but for the moment between a trade and its book', () => {
  const follower = new Follower(1, NO_FAULTS)
  for (let n = 0; n < 40; n++) {
    follower.run(50)
    expect(follower.wrong().silent).toBe(0)
  }
  expect(follower.counts).toMatchObject({ unknown: 0, overtaken: 0, differences: 0 })
  expect(follower.counts.trades).toBeGreaterThan(10)
})

test.each([
  ['swapped', { ...NO_FAULTS, swapped: 0.05 }],
  ['sent twice', { ...NO_FAULTS, twice: 0.05 }],
  ['in arrays', { ...NO_FAULTS, array: 0.2 }],
  ['cut in half', { ...NO_FAULTS, half: 0.05 }],
])('with frames that are %s a book is right or marked stale, never silently wrong', (_what, faults) => {
  const follower = new Follower(2, faults)
  let right = 0
  for (let n = 0; n < 60; n++) {
    follower.run(40)
    const found = follower.wrong()
    expect(found.silent).toBe(0)
    right += found.right
  }
  expect(right).toBeGreaterThan(0)
})

test('a frame that never came and had moved the best prices marks the books at the next one', () => {
  const change = (side: 'BUY' | 'SELL', price: number, size: number, bestBid: number, at: number) => {
    const [own, mirror] = [
      { asset: 'a', side, price, size },
      { asset: 'b', price: 10_000 - price, size },
    ]
    const other = side === 'BUY' ? ('SELL' as const) : ('BUY' as const)
    const changes = [
      { ...own, bestBid, bestAsk: 10_000 },
      { ...mirror, side: other, bestBid: 0, bestAsk: 10_000 - bestBid },
    ]
    return { type: 'price_change' as const, market: 'm', at, changes }
  }
  const counts = newMarketCounts()
  const market = new Market('m', counts)
  for (const asset of ['a', 'b'])
    market.apply({ type: 'book', market: 'm', asset, at: 0, bids: [], asks: [], tickSize: 100 })
  market.apply(change('BUY', 4000, 10, 4000, 1))
  // Here one is lost, with a bid of 0.41.
  expect(market.stale).toBeUndefined()
  market.apply(change('BUY', 3000, 10, 4100, 3))
  expect([...market.assets.values()].map(({ book }) => book.stale)).toEqual(['gap', 'gap'])
  expect(counts.staled).toBe(2)
})

test('frames that never come are cured by snapshots, also those that nothing showed', () => {
  const follower = new Follower(3, { ...NO_FAULTS, gap: 0.02 })
  let stale = 0
  for (let n = 0; n < 100; n++) {
    follower.run(40)
    stale += follower.wrong().stale
    follower.snapshots()
    expect(follower.wrong()).toEqual({ stale: 0, silent: 0, right: 16 })
  }
  expect(stale).toBeGreaterThan(0)
  // A change far from the best prices that never came shows in nothing but the next snapshot.
  expect(follower.counts.differences).toBeGreaterThan(0)
})

test('what was delivered in order is what plain maps give, also in books that are marked stale', () => {
  const follower = new Follower(4, { ...USUAL_FAULTS, swapped: 0, half: 0, gap: 0.01 })
  const plain = new PlainBooks()
  for (const { assets } of follower.exchange.markets)
    for (const asset of assets) plain.apply(follower.exchange.bookText(asset)!)
  follower.run(5000, (_market, text) => plain.apply(text))
  for (const { assets } of follower.markets.values())
    for (const [asset, listed] of assets) {
      const view = viewOf('', listed, Infinity)
      expect(view.bids).toEqual(plain.levels(asset, 'BUY'))
      expect(view.asks).toEqual(plain.levels(asset, 'SELL'))
    }
})

test('a trade leaves both books stale until the books after it have come', () => {
  const follower = new Follower(5, NO_FAULTS, 1)
  const [market] = follower.markets.values()
  let frame = follower.exchange.next()
  for (; frame.type !== 'last_trade_price'; frame = follower.exchange.next())
    follower.take(frame.market, frame.text)
  follower.take(frame.market, frame.text)
  expect([...market!.assets.values()].map(({ book }) => book.stale)).toEqual(['trade', 'trade'])
  for (let book = 0; book < 2; book++) {
    const { market, text } = follower.exchange.next()
    follower.take(market, text)
  }
  expect(market!.stale).toBeUndefined()
  expect([...market!.assets.values()][0]!.lastTrade).toBeDefined()
})

test('a change of an asset without a book is counted and skipped', () => {
  const counts = newMarketCounts()
  const market = new Market('m', counts)
  const change = { asset: 'x', side: 'BUY' as const, price: 1, size: 1, bestBid: 1, bestAsk: 10_000 }
  market.apply({ type: 'price_change', market: 'm', at: 1, changes: [change] })
  expect(counts.unknown).toBe(1)
  expect(market.assets.size).toBe(0)
})

test('a frame of another market, or of a time far ahead, is not believed: the books are stale, not poisoned', () => {
  for (const wrong of [
    { market: 'other', at: 2000 },
    { market: 'm', at: 2000 + 3_600_001 },
  ]) {
    const market = new Market('m', newMarketCounts(), () => 2000)
    const book = { type: 'book' as const, market: 'm', asset: 'a', bids: [], asks: [], tickSize: 0 }
    market.apply({ ...book, at: 2000 })
    market.apply({ ...book, ...wrong, bids: [{ price: 1, size: 1 }] })
    expect(market.stale).toBe('unreadable')
    market.apply({ ...book, at: 2001 })
    expect(market.stale).toBeUndefined()
  }
})

test('a market is the same after it was packed and unpacked, at whatever place in memory', () => {
  const follower = new Follower(6, USUAL_FAULTS)
  follower.run(3000)
  for (const market of follower.markets.values()) {
    const packed = market.pack()
    const shifted = new Uint8Array(packed.length + 3).subarray(3)
    shifted.set(packed)
    const unpacked = Market.unpack(market.market, shifted, newMarketCounts())
    const views = (of: Market): unknown =>
      [...of.assets.values()].map((listed) => viewOf('', listed, Infinity))
    expect(views(unpacked)).toEqual(views(market))
    expect(unpacked.pack()).toEqual(packed)
  }
})
