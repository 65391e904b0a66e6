import { Market, newMarketCounts } from '../../../examples/order-book/market.ts'
import { FrameParser } from '../../../examples/order-book/parser.ts'
import { PriceChangeScanner } from '../../../examples/order-book/price-change-scanner.ts'
import { numberOf } from './frames.ts'
import { Receipts, type ReceiptOptions, type Report } from './receipts.ts'

/** A market, who reads its frames, and what was seen of it. */
export interface Followed {
  readonly market: Market
  /** Made anew when it has other assets. */
  scanner: PriceChangeScanner | undefined
  scanned: number
  last: number
}

/** What comes before the name of the market in a frame, and how long that is. */
const BEFORE_MARKET = '{"market":"'.length
const MARKET_LENGTH = 66
const encoder = new TextEncoder()

/** What is asked of whoever applies frames. */
export interface BooksOptions extends ReceiptOptions {
  readonly messages: number
  /** Frames are read by the scanner of the example. Default: by JSON.parse. */
  readonly scans?: boolean
}

/** The work of all contenders: frames are parsed and applied to the books of their markets. */
export class Books {
  readonly #parser = new FrameParser()
  readonly #counts = newMarketCounts()
  readonly #markets = new Map<string, Followed>()
  readonly #receipts: Receipts
  #scratch = new Uint8Array(4096)

  constructor({ messages, scans: _scans, ...options }: BooksOptions) {
    this.#receipts = new Receipts(messages, options)
  }

  /** For whoever keeps it with the key. */
  open(key: string): Followed {
    return { market: new Market(key, this.#counts), scanner: undefined, scanned: -1, last: -1 }
  }

  restore(key: string, packed: Uint8Array, last: number): Followed {
    return { market: Market.unpack(key, packed, this.#counts), scanner: undefined, scanned: -1, last }
  }

  /** By a map, for whoever has none. */
  of(key: string): Followed {
    let followed = this.#markets.get(key)
    if (followed === undefined) this.#markets.set(key, (followed = this.open(key)))
    return followed
  }

  /** By JSON.parse. */
  apply(followed: Followed, text: string): void {
    for (const event of this.#parser.parse(text)) this.#apply(followed, event)
  }

  /** Changes by the scanner of the example, all else by JSON.parse. */
  scan(followed: Followed, bytes: Uint8Array): void {
    const { market } = followed
    if (followed.scanned !== market.assets.size) {
      followed.scanned = market.assets.size
      followed.scanner = new PriceChangeScanner(market.market, [...market.assets.keys()])
    }
    for (const event of this.#parser.parseBytes(bytes, followed.scanner!)) this.#apply(followed, event)
  }

  /** By JSON.parse, for whoever was not told of the key. */
  applyAny(text: string): void {
    for (const event of this.#parser.parse(text)) this.#apply(this.of(event.market ?? ''), event)
  }

  /** By the scanner, for whoever has a text and was not told of the key. */
  scanAny(text: string): void {
    if (text.length > this.#scratch.length) this.#scratch = new Uint8Array(2 * text.length)
    const { written } = encoder.encodeInto(text, this.#scratch)
    const key = text.slice(BEFORE_MARKET, BEFORE_MARKET + MARKET_LENGTH)
    this.scan(this.of(key), this.#scratch.subarray(0, written))
  }

  /** @throws Error when a book is not as the feed says, which it must be of whole frames in order. */
  report(): Report {
    const { gaps, unknown, overtaken, differences } = this.#counts
    const { rejected, skipped } = this.#parser.counts
    if (gaps + unknown + overtaken + differences + rejected + skipped > 0) {
      const faults = { gaps, unknown, overtaken, differences, rejected, skipped }
      throw new Error(`expected books to be as their feed says, got: ${JSON.stringify(faults)}`)
    }
    return this.#receipts.report()
  }

  #apply(followed: Followed, event: ReturnType<FrameParser['parse']>[number]): void {
    followed.market.apply(event)
    if (event.type !== 'unreadable') this.#receipts.mark(numberOf(event.at), followed)
  }
}
