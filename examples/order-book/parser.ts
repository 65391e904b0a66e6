import { ONE, parseDecimal, parsePrice, parseSize, PRICE_DECIMALS } from './decimal.ts'
import type { Levels, SideName } from './book.ts'
import type { FeedEvent, LevelChange } from './feed-events.ts'
import type { PriceChangeScanner } from './price-change-scanner.ts'

/** What a parser has seen. */
export interface ParserCounts {
  frames: number
  /** Objects that were read. */
  events: number
  /** Objects of a type that is of no interest here, and keep-alives. */
  skipped: number
  /** Frames, objects and single changes that could not be read. */
  rejected: number
}

const decoder = new TextDecoder()

type Fields = Readonly<Record<string, unknown>>

const KEEP_ALIVES: ReadonlySet<string> = new Set(['PING', 'PONG', ''])
/** No exchange has that many prices a side: each has at most four decimals. */
const MAX_LEVELS = ONE

/**
 * Reads the frames of the feed: one object or an array of them. What cannot be read is an event too, `unreadable`,
 * since a book may be wrong from then on; what is of an unknown type is skipped. It never throws.
 */
export class FrameParser {
  readonly counts: ParserCounts = { frames: 0, events: 0, skipped: 0, rejected: 0 }

  /** Its events in their order. */
  parse(frame: string): FeedEvent[] {
    this.counts.frames++
    let value: unknown
    try {
      value = JSON.parse(frame)
    } catch {
      if (!KEEP_ALIVES.has(frame.trim())) return [this.#reject('expected a frame to be JSON')]
      this.counts.skipped++
      return []
    }
    if (!Array.isArray(value)) {
      const event = this.#read(value)
      return event === undefined ? [] : [event]
    }
    const events: FeedEvent[] = []
    for (const each of value) {
      const event = this.#read(each)
      if (event !== undefined) events.push(event)
    }
    return events
  }

  /** The same, out of its bytes. @param scanner of the market that it is about: reads what it can, and faster. */
  parseBytes(frame: Uint8Array, scanner: PriceChangeScanner): FeedEvent[] {
    const change = scanner.scan(frame)
    if (change === undefined) return this.parse(decoder.decode(frame))
    this.counts.frames++
    this.counts.events++
    return [change]
  }

  #read(value: unknown): FeedEvent | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.#reject('expected an object')
    const fields = value as Fields
    const type = fields['event_type']
    const read = typeof type === 'string' ? READERS.get(type) : undefined
    if (read === undefined) {
      if (typeof type !== 'string') return this.#reject('expected event_type to be a string', fields)
      this.counts.skipped++
      return undefined
    }
    const event = read(fields)
    if (typeof event === 'string') return this.#reject(event, fields)
    this.counts.events++
    if (event.type === 'price_change') this.counts.rejected += event.unreadable?.length ?? 0
    return event
  }

  #reject(reason: string, fields: Fields = {}): FeedEvent {
    this.counts.rejected++
    const [market, asset] = [idOf(fields['market']), idOf(fields['asset_id'])]
    return { type: 'unreadable', reason, market, asset }
  }
}

/** An event, or what is wrong with it. */
type Reader = (fields: Fields) => FeedEvent | string

const READERS: ReadonlyMap<string, Reader> = new Map([
  ['price_change', readPriceChange],
  ['book', readBook],
  ['last_trade_price', readLastTrade],
  ['tick_size_change', readTickSizeChange],
])

function readPriceChange(fields: Fields): FeedEvent | string {
  const market = fields['market']
  const entries = fields['price_changes']
  const at = timeOf(fields['timestamp'])
  if (!isId(market)) return EXPECTED.market
  if (Number.isNaN(at)) return EXPECTED.timestamp
  if (!Array.isArray(entries)) return 'expected price_changes to be an array'
  const changes: LevelChange[] = []
  let unreadable: (string | undefined)[] | undefined
  for (const entry of entries as readonly unknown[]) {
    const change = readChange(entry)
    if (change !== undefined) changes.push(change)
    else (unreadable ??= []).push(idOf((entry as Fields | null)?.['asset_id']))
  }
  if (unreadable === undefined) return { type: 'price_change', market, at, changes }
  return { type: 'price_change', market, at, changes, unreadable }
}

function readChange(entry: unknown): LevelChange | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const fields = entry as Fields
  const asset = fields['asset_id']
  const side = fields['side']
  const price = parsePrice(fields['price'])
  const size = parseSize(fields['size'])
  if (!isId(asset) || !isSide(side) || Number.isNaN(price) || Number.isNaN(size)) return undefined
  const bestBid = bestOf(fields['best_bid'])
  const bestAsk = bestOf(fields['best_ask'])
  return { asset, side, price, size, bestBid, bestAsk }
}

function readBook(fields: Fields): FeedEvent | string {
  const { market, asset_id: asset, tick_size: tick } = fields as { [name: string]: unknown }
  const at = timeOf(fields['timestamp'])
  if (!isId(market)) return EXPECTED.market
  if (!isId(asset)) return EXPECTED.asset
  if (Number.isNaN(at)) return EXPECTED.timestamp
  const bids = levelsOf(fields['bids'])
  const asks = levelsOf(fields['asks'])
  if (bids === undefined || asks === undefined) return 'expected bids and asks to be levels, each price once'
  const tickSize = parsePrice(tick)
  return { type: 'book', market, asset, at, bids, asks, tickSize: Number.isNaN(tickSize) ? 0 : tickSize }
}

function readLastTrade(fields: Fields): FeedEvent | string {
  const { market, asset_id: asset, side } = fields as { [name: string]: unknown }
  const at = timeOf(fields['timestamp'])
  const price = parsePrice(fields['price'])
  const size = parseSize(fields['size'])
  if (!isId(market)) return EXPECTED.market
  if (!isId(asset)) return EXPECTED.asset
  if (Number.isNaN(at)) return EXPECTED.timestamp
  if (!isSide(side) || Number.isNaN(price) || Number.isNaN(size))
    return 'expected price, size and side of a trade'
  return { type: 'last_trade_price', market, asset, at, price, size, side }
}

function readTickSizeChange(fields: Fields): FeedEvent | string {
  const { market, asset_id: asset } = fields as { [name: string]: unknown }
  const at = timeOf(fields['timestamp'])
  const tickSize = parsePrice(fields['new_tick_size'])
  if (!isId(market)) return EXPECTED.market
  if (!isId(asset)) return EXPECTED.asset
  if (Number.isNaN(at)) return EXPECTED.timestamp
  if (Number.isNaN(tickSize)) return 'expected new_tick_size to be a price'
  return { type: 'tick_size_change', market, asset, at, tickSize }
}

const EXPECTED = {
  market: 'expected market to be a name',
  asset: 'expected asset_id to be a name',
  timestamp: 'expected timestamp to be ms since 1970',
} as const

function levelsOf(value: unknown): Levels | undefined {
  if (!Array.isArray(value) || value.length > MAX_LEVELS) return undefined
  const levels: { price: number; size: number }[] = []
  const prices = new Set<number>()
  for (const level of value as readonly unknown[]) {
    if (typeof level !== 'object' || level === null) return undefined
    const price = parsePrice((level as Fields)['price'])
    const size = parseSize((level as Fields)['size'])
    if (Number.isNaN(price) || Number.isNaN(size) || prices.has(price)) return undefined
    prices.add(price)
    levels.push({ price, size })
  }
  return levels
}

/** A best price: 0 and 1 too, which stand for an empty side. */
function bestOf(value: unknown): number {
  const units = parseDecimal(value, PRICE_DECIMALS)
  return units <= ONE ? units : NaN
}

function timeOf(value: unknown): number {
  return parseDecimal(value, 0)
}

function idOf(value: unknown): string | undefined {
  return isId(value) ? value : undefined
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 256
}

function isSide(value: unknown): value is SideName {
  return value === 'BUY' || value === 'SELL'
}
