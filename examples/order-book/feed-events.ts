import type { Levels, SideName } from './book.ts'

/** What the feed says, read and checked: prices and sizes as `decimal.ts` counts them, times in ms since 1970. */
export type FeedEvent = BookSnapshot | PriceChange | LastTrade | TickSizeChange | Unreadable

/** All levels of an asset. */
export interface BookSnapshot {
  readonly type: 'book'
  readonly market: string
  readonly asset: string
  readonly at: number
  readonly bids: Levels
  readonly asks: Levels
  /** 0 when it is not told. */
  readonly tickSize: number
}

export interface PriceChange {
  readonly type: 'price_change'
  readonly market: string
  readonly at: number
  /** In the order in which they are to be applied. */
  readonly changes: readonly LevelChange[]
  /** Assets that one of the changes is of which could not be read. Rarely there. */
  readonly unreadable?: readonly (string | undefined)[]
}

export interface LevelChange {
  readonly asset: string
  readonly side: SideName
  readonly price: number
  /** The new total at that price. */
  readonly size: number
  /** After the whole frame; 0 and `ONE` for an empty side. NaN when they are not told. */
  readonly bestBid: number
  readonly bestAsk: number
}

export interface LastTrade {
  readonly type: 'last_trade_price'
  readonly market: string
  readonly asset: string
  readonly at: number
  readonly price: number
  readonly size: number
  readonly side: SideName
}

export interface TickSizeChange {
  readonly type: 'tick_size_change'
  readonly market: string
  readonly asset: string
  readonly at: number
  readonly tickSize: number
}

/** Something about books that could not be read: whoever it concerns may be wrong from now on. */
export interface Unreadable {
  readonly type: 'unreadable'
  /** What is wrong, without what it says. */
  readonly reason: string
  /** Undefined: it could be any. */
  readonly market: string | undefined
  readonly asset: string | undefined
}
