import { Book, type BookMarks, type StaleReason } from './book.ts'
import type { BookSnapshot, FeedEvent, LastTrade, PriceChange } from './feed-events.ts'

/** What happened to books, all markets of a worker together. */
export interface MarketCounts {
  /** Changes of levels that were applied. */
  updatesApplied: number
  snapshotsReceived: number
  /** Changes and snapshots that came too late to change anything. */
  overtaken: number
  /** Changes of assets that have no book. */
  unknown: number
  trades: number
  /** How often a book that was right was marked stale, also for the moment between a trade and its book. */
  staled: number
  /** How often a book did not have the best prices that the feed told. */
  gaps: number
  /** Levels in which snapshots differed from books that were not stale. */
  differences: number
}

export function newMarketCounts(): MarketCounts {
  return {
    ...{ updatesApplied: 0, snapshotsReceived: 0, overtaken: 0, unknown: 0, trades: 0 },
    ...{ staled: 0, gaps: 0, differences: 0 },
  }
}

/** An asset of a market. */
export interface Listed {
  readonly book: Book
  tickSize: number
  lastTrade: Omit<LastTrade, 'type' | 'market' | 'asset'> | undefined
}

/** Whoever tells a time further ahead would make all that comes after it look late. */
const MAX_AHEAD_MS = 3_600_000

/** The books of a market: two assets that mirror each other, told of in the same frames. */
export class Market {
  readonly market: string
  readonly #assets = new Map<string, Listed>()
  readonly #counts: MarketCounts
  readonly #now: () => number
  /** The books of the changes that are being applied. */
  readonly #touched: (Book | undefined)[] = []
  /** The highest time that is believed; what is above it is looked at again. */
  #ceiling = 0

  /** @param now ms since 1970; a feed may be an hour ahead of it. */
  constructor(market: string, counts: MarketCounts, now: () => number = Date.now) {
    this.market = market
    this.#counts = counts
    this.#now = now
  }

  get assets(): ReadonlyMap<string, Listed> {
    return this.#assets
  }

  /** Why one of its books may be wrong; undefined when all of them are right. */
  get stale(): StaleReason | undefined {
    for (const { book } of this.#assets.values()) if (book.stale !== undefined) return book.stale
    return undefined
  }

  apply(event: FeedEvent): void {
    if (event.market !== this.market || (event.type !== 'unreadable' && !this.#isBelievable(event.at)))
      return this.markStale('unreadable')
    switch (event.type) {
      case 'price_change':
        return this.#change(event)
      case 'book':
        return this.#reset(event)
      case 'last_trade_price':
        return this.#trade(event)
      case 'tick_size_change': {
        const listed = this.#assets.get(event.asset)
        if (listed !== undefined) listed.tickSize = event.tickSize
        return
      }
      case 'unreadable':
        return this.markStale('unreadable', event.asset)
    }
  }

  /** Something of it is missing: one asset, or all. */
  markStale(reason: StaleReason, asset?: string): void {
    const one = asset === undefined ? undefined : this.#assets.get(asset)
    for (const { book } of one === undefined ? this.#assets.values() : [one])
      this.#mark(book, reason, book.at)
  }

  #change({ changes, at, unreadable }: PriceChange): void {
    const counts = this.#counts
    const touched = this.#touched
    for (let n = 0; n < changes.length; n++) {
      const { asset, side, price, size } = changes[n]!
      const book = this.#assets.get(asset)?.book
      touched[n] = book
      if (book === undefined) {
        counts.unknown++
        continue
      }
      const before = book.stale
      if (book.change(side, price, size, at)) counts.updatesApplied++
      else counts.overtaken++
      if (before === undefined && book.stale !== undefined) counts.staled++
    }
    // Each change tells the best prices after all of them.
    for (let n = 0; n < changes.length; n++) {
      const book = touched[n]
      if (book === undefined || book.stale !== undefined) continue
      const { bestBid, bestAsk } = changes[n]!
      book.check(bestBid, bestAsk, at)
      if (book.stale === undefined) continue
      counts.staled++
      if (book.stale === 'gap') counts.gaps++
    }
    for (const asset of unreadable ?? []) this.markStale('unreadable', asset)
  }

  #reset({ asset, bids, asks, at, tickSize }: BookSnapshot): void {
    this.#counts.snapshotsReceived++
    let listed = this.#assets.get(asset)
    if (listed === undefined) {
      listed = { book: new Book(asset), tickSize: 0, lastTrade: undefined }
      this.#assets.set(asset, listed)
    }
    const { book } = listed
    const before = book.stale
    if (tickSize > 0) listed.tickSize = tickSize
    const differences = book.reset(bids, asks, at)
    if (before === undefined && book.stale !== undefined) this.#counts.staled++
    if (differences === undefined) this.#counts.overtaken++
    else if (differences > 0) {
      // It was wrong and nobody saw it; then the same was missed for the asset that mirrors it.
      this.#counts.differences += differences
      for (const other of this.#assets.values())
        if (other !== listed && other.book.syncedAt < at) this.#mark(other.book, 'gap', at)
    }
  }

  /** What was traded is taken out of the books of the market, which follow as a whole. */
  #trade({ asset, at, price, size, side }: LastTrade): void {
    this.#counts.trades++
    const listed = this.#assets.get(asset)
    if (listed !== undefined && (listed.lastTrade === undefined || listed.lastTrade.at <= at))
      listed.lastTrade = { at, price, size, side }
    for (const { book } of this.#assets.values()) if (book.syncedAt < at) this.#mark(book, 'trade', at)
  }

  #mark(book: Book, reason: StaleReason, at: number): void {
    if (book.stale === undefined) this.#counts.staled++
    book.markStale(reason, at)
  }

  #isBelievable(at: number): boolean {
    if (at <= this.#ceiling) return true
    this.#ceiling = this.#now() + MAX_AHEAD_MS
    return at <= this.#ceiling
  }

  /** As bytes, which is how it moves between workers. */
  pack(): Uint8Array {
    const listed: PackedAsset[] = []
    let count = 1
    for (const { book, tickSize, lastTrade } of this.#assets.values()) {
      const { lengths } = book
      listed.push({ marks: book.marks(), tickSize, lastTrade, lengths })
      count += lengths[0] + lengths[1]
    }
    const header = encoder.encode(JSON.stringify(listed))
    const packed = new Uint8Array(count * 8 + header.length)
    const numbers = new Float64Array(packed.buffer, 0, count)
    numbers[0] = header.length
    let at = 1
    for (const { book } of this.#assets.values()) at = book.write(numbers, at)
    packed.set(header, count * 8)
    return packed
  }

  /** @throws when the bytes are not those of a market. */
  static unpack(market: string, packed: Uint8Array, counts: MarketCounts, now?: () => number): Market {
    const restored = new Market(market, counts, now)
    // A view can begin anywhere, numbers cannot.
    const { buffer } = packed.slice()
    const [headerLength = 0] = new Float64Array(buffer, 0, 1)
    const end = packed.length - headerLength
    const numbers = new Float64Array(buffer, 8, end / 8 - 1)
    const listed = JSON.parse(decoder.decode(packed.subarray(end))) as readonly PackedAsset[]
    let from = 0
    for (const { marks, lengths, tickSize, lastTrade } of listed) {
      const [bids = [], asks = []] = lengths.map((length) => numbers.subarray(from, (from += length)))
      restored.#assets.set(marks.asset, { book: Book.from(marks, bids, asks), tickSize, lastTrade })
    }
    return restored
  }
}

interface PackedAsset extends Omit<Listed, 'book'> {
  readonly marks: BookMarks
  readonly lengths: readonly number[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
