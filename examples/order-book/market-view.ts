import { formatPrice, formatSize, ONE } from './decimal.ts'
import type { SideName, StaleReason } from './book.ts'
import type { Listed } from './market.ts'

/** Price and size, as decimals without rounding. */
export interface LevelView {
  readonly price: string
  readonly size: string
}

/** The book of an asset, to read. */
export interface BookView {
  readonly market: string
  readonly asset: string
  /** Best first. */
  readonly bids: readonly LevelView[]
  readonly asks: readonly LevelView[]
  /** Of the book itself; null for an empty side. */
  readonly bestBid: string | null
  readonly bestAsk: string | null
  /** Null: it is right. Else why it may be wrong. */
  readonly stale: StaleReason | null
  /** The newest that the feed told of it, and of its last snapshot, ms since 1970. */
  readonly at: number
  readonly syncedAt: number
  readonly tickSize: string | null
  readonly lastTrade: (LevelView & { readonly side: SideName; readonly at: number }) | null
}

/** @param depth so many levels of each side. */
export function viewOf(market: string, { book, tickSize, lastTrade }: Listed, depth: number): BookView {
  const [bids, asks] = (['BUY', 'SELL'] as const).map((side) => book.levels(side, depth).map(levelView))
  return {
    ...{ market, asset: book.asset, bids: bids!, asks: asks! },
    bestBid: book.bestBid === 0 ? null : formatPrice(book.bestBid),
    bestAsk: book.bestAsk === ONE ? null : formatPrice(book.bestAsk),
    stale: book.stale ?? null,
    ...{ at: book.at, syncedAt: book.syncedAt },
    tickSize: tickSize === 0 ? null : formatPrice(tickSize),
    lastTrade: lastTrade === undefined ? null : { ...lastTrade, ...levelView(lastTrade) },
  }
}

function levelView({ price, size }: { readonly price: number; readonly size: number }): LevelView {
  return { price: formatPrice(price), size: formatSize(size) }
}
