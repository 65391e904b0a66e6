import { Market, newMarketCounts } from '../../../examples/order-book/market.ts'
import { FrameParser } from '../../../examples/order-book/parser.ts'
import { numberOf } from './frames.ts'
import { Receipts, type ReceiptOptions, type Report } from './receipts.ts'

/** A market and what was seen of it. */
export interface Followed {
  readonly market: Market
  last: number
}

/** What is asked of whoever applies frames. */
export interface BooksOptions extends ReceiptOptions {
  readonly messages: number
}

/** The work of all contenders: frames are parsed and applied to the books of their markets. */
export class Books {
  readonly #parser = new FrameParser()
  readonly #counts = newMarketCounts()
  readonly #markets = new Map<string, Followed>()
  readonly #receipts: Receipts

  constructor({ messages, ...options }: BooksOptions) {
    this.#receipts = new Receipts(messages, options)
  }

  /** For whoever keeps it with the key. */
  open(key: string): Followed {
    return { market: new Market(key, this.#counts), last: -1 }
  }

  restore(key: string, packed: Uint8Array, last: number): Followed {
    return { market: Market.unpack(key, packed, this.#counts), last }
  }

  /** By a map, for whoever has none. */
  of(key: string): Followed {
    let followed = this.#markets.get(key)
    if (followed === undefined) this.#markets.set(key, (followed = this.open(key)))
    return followed
  }

  apply(followed: Followed, text: string): void {
    for (const event of this.#parser.parse(text)) this.#apply(followed, event)
  }

  /** For whoever was not told of the key. */
  applyAny(text: string): void {
    for (const event of this.#parser.parse(text)) this.#apply(this.of(event.market ?? ''), event)
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
