import fc from 'fast-check'
import { expect, test } from 'vitest'
import { generateFrames, USUAL_FAULTS } from '../../../../examples/order-book/frames.ts'
import { FrameParser } from '../../../../examples/order-book/parser.ts'

const change = {
  ...{ asset_id: 'a', price: '0.5', size: '10', side: 'BUY', hash: 'h', best_bid: '0.5', best_ask: '1' },
}
const priceChange = { market: 'm', price_changes: [change], timestamp: '1000', event_type: 'price_change' }
const book = { market: 'm', asset_id: 'a', timestamp: '1000', bids: [], asks: [], event_type: 'book' }

function parse(value: unknown): ReturnType<FrameParser['parse']> {
  return new FrameParser().parse(typeof value === 'string' ? value : JSON.stringify(value))
}

test('a single object and an array of them are read alike', () => {
  const [event] = parse(priceChange)
  expect(event).toEqual({
    ...{ type: 'price_change', market: 'm', at: 1000 },
    changes: [{ asset: 'a', side: 'BUY', price: 5000, size: 10_000_000, bestBid: 5000, bestAsk: 10_000 }],
  })
  expect(parse([priceChange, priceChange])).toEqual([event, event])
})

test('all four types of events are read', () => {
  const levels = [{ price: '.48', size: '30' }]
  const snapshot = { ...book, bids: levels, tick_size: '0.01', last_trade_price: '' }
  const trade = { ...book, event_type: 'last_trade_price', price: '0.4', size: '1.5', side: 'SELL' }
  const tick = { ...book, event_type: 'tick_size_change', old_tick_size: '0.01', new_tick_size: '0.001' }
  const common = { market: 'm', asset: 'a', at: 1000 }
  expect(parse([snapshot, trade, tick])).toEqual([
    { ...common, type: 'book', bids: [{ price: 4800, size: 30_000_000 }], asks: [], tickSize: 100 },
    { ...common, type: 'last_trade_price', price: 4000, size: 1_500_000, side: 'SELL' },
    { ...common, type: 'tick_size_change', tickSize: 10 },
  ])
})

test('unknown types and keep-alives are skipped and counted, not rejected', () => {
  const parser = new FrameParser()
  for (const frame of ['PONG', '', JSON.stringify({ ...book, event_type: 'holiday' }), '[]'])
    expect(parser.parse(frame)).toEqual([])
  expect(parser.counts).toEqual({ frames: 4, events: 0, skipped: 3, rejected: 0 })
})

test.each([
  ['half a frame', '{"market":"m","price_chan'],
  ['a number', '17'],
  ['null', 'null'],
  ['no type', { market: 'm' }],
  ['a market that is no name', { ...book, market: 7 }],
  ['no asset', { ...book, asset_id: '' }],
  ['a time that is none', { ...book, timestamp: '1e3' }],
  ['levels that are none', { ...book, bids: 'many' }],
  ['a level twice', { ...book, bids: [change, change] }],
  ['a level with a price of 1e-7', { ...book, asks: [{ price: '1e-7', size: '1' }] }],
  ['a level of a negative size', { ...book, asks: [{ price: '0.5', size: '-1' }] }],
  ['a trade without a side', { ...book, event_type: 'last_trade_price', price: '0.4', size: '1' }],
  ['a tick of 0', { ...book, event_type: 'tick_size_change', new_tick_size: '0' }],
  ['changes that are none', { ...priceChange, price_changes: {} }],
])('%s is told as unreadable, and counted', (_what, value) => {
  const parser = new FrameParser()
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  expect(parser.parse(text)).toMatchObject([{ type: 'unreadable' }])
  expect(parser.counts.rejected).toBe(1)
})

test('an unreadable object names its market and asset when it can', () => {
  expect(parse({ ...book, timestamp: 'now' })).toMatchObject([{ market: 'm', asset: 'a' }])
})

test.each([
  ['a price of 1e-7', { price: '1e-7' }],
  ['a negative size', { size: '-5' }],
  ['a number that is no text', { price: 0.5 }],
  ['a side that is none', { side: 'HOLD' }],
])('one change with %s does not take the others with it, and its asset is told', (_what, wrong) => {
  const parser = new FrameParser()
  const [event] = parser.parse(
    JSON.stringify({ ...priceChange, price_changes: [change, { ...change, ...wrong }] }),
  )
  expect(event).toMatchObject({ changes: [{ asset: 'a' }], unreadable: ['a'] })
  expect(parser.counts).toMatchObject({ events: 1, rejected: 1 })
})

test('a change that is null is told as unreadable', () => {
  const [event] = parse({ ...priceChange, price_changes: [null] })
  expect(event).toMatchObject({ changes: [], unreadable: [undefined] })
})

test('whatever comes, it does not throw, and what it reads is in range', () => {
  const parser = new FrameParser()
  const text = fc.constantFrom('0.5', '1e-7', '-1', '', '7', '9'.repeat(30), '1000')
  const loose = fc.oneof(text, fc.jsonValue({ maxDepth: 1 }))
  const entry = fc.record({
    asset_id: loose,
    price: loose,
    size: loose,
    side: fc.constantFrom('BUY', 'SELL', 'X'),
  })
  const object = fc.record(
    {
      event_type: fc.constantFrom('book', 'price_change', 'last_trade_price', 'tick_size_change', 'x', 7),
      ...{ market: text, asset_id: text, timestamp: text, price: loose, size: loose, new_tick_size: loose },
      ...{ price_changes: fc.array(entry), bids: fc.array(entry), asks: fc.array(entry) },
    },
    { requiredKeys: ['event_type'] },
  )
  fc.assert(
    fc.property(fc.oneof(object, fc.array(object), fc.jsonValue()), (value) => {
      for (const event of parser.parse(JSON.stringify(value))) {
        if (event.type !== 'price_change') continue
        for (const { price, size } of event.changes) {
          expect(price > 0 && price < 10_000).toBe(true)
          expect(Number.isSafeInteger(size) && size >= 0).toBe(true)
        }
      }
    }),
  )
  fc.assert(fc.property(fc.string(), (text) => void parser.parse(text)))
})

test('frames are the same again for the same seed, and look like those of the feed', () => {
  const options = { markets: 5, count: 2000, faults: USUAL_FAULTS }
  const [first, again, other] = [1, 1, 2].map((seed) =>
    [...generateFrames({ ...options, seed })].map(({ text }) => text),
  )
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
  const changes = first!.filter((text) => text.startsWith('{') && text.includes('price_changes'))
  const mean = changes.reduce((sum, { length }) => sum + length, 0) / changes.length
  expect(mean).toBeGreaterThan(570)
  expect(mean).toBeLessThan(640)
})
