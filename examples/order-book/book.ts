import { ONE } from './decimal.ts'
import { Side } from './side.ts'

export type SideName = 'BUY' | 'SELL'

/**
 * Why a book may be wrong: its snapshot has not come; it is not as the feed tells with its changes; there was a trade,
 * and the book after it has not come; a change of it was lost, or could not be read; a change came so late that it is
 * not known what came after it; it crossed itself; its connection is gone.
 */
export type StaleReason =
  | 'new'
  | 'gap'
  | 'trade'
  | 'lost'
  | 'unreadable'
  | 'late'
  | 'crossed'
  | 'disconnected'

/** A book without its levels. */
export interface BookMarks {
  readonly asset: string
  readonly syncedAt: number
  readonly at: number
  readonly staleAt: number
  readonly stale?: StaleReason | undefined
}

/** Prices and sizes of one side, as `decimal.ts` counts them, in any order. */
export type Levels = readonly { readonly price: number; readonly size: number }[]

/**
 * The book of one asset: exact, and never older than what it was told. It is right, or `stale` says why it may not
 * be; what cures it is a snapshot that is not older than what went wrong.
 *
 * The feed has no sequence number. Each level keeps the time of its last change, so that a change which comes late,
 * or a second time by another connection, is weighed against that level only.
 */
export class Book {
  readonly asset: string
  #bids = new Side()
  #asks = new Side()
  /** Of its snapshot; -1: none yet. */
  #syncedAt = -1
  #at = -1
  #stale: StaleReason | undefined = 'new'
  /** What made it stale happened up to this time. */
  #staleAt = -1

  constructor(asset: string) {
    this.asset = asset
  }

  /** Undefined: it is right. */
  get stale(): StaleReason | undefined {
    return this.#stale
  }

  /** The newest that it was told, ms since 1970 by the feed's clock; -1: nothing yet. */
  get at(): number {
    return this.#at
  }

  /** The time of its last snapshot; -1: none yet. */
  get syncedAt(): number {
    return this.#syncedAt
  }

  /** 0 when there is none, as the feed says it. */
  get bestBid(): number {
    return this.#bids.bestRank
  }

  /** `ONE` when there is none, as the feed says it. */
  get bestAsk(): number {
    return ONE - this.#asks.bestRank
  }

  /** How many levels both sides have. */
  get length(): number {
    return this.#bids.length + this.#asks.length
  }

  /**
   * The size at that price is this from now on; 0 deletes the level.
   * @returns false when it changes nothing any more, because it is older than what is known of that level.
   */
  change(side: SideName, price: number, size: number, at: number): boolean {
    const isBid = side === 'BUY'
    const levels = isBid ? this.#bids : this.#asks
    const rank = isBid ? price : ONE - price
    if (at >= this.#at) {
      this.#at = at
      // Of the same millisecond as the snapshot: it may be in there, with others after it.
      if (at === this.#syncedAt && levels.sizeOf(rank) !== size) this.markStale('late', at)
      levels.set(rank, size, at)
      return true
    }
    if (at < this.#syncedAt) return false
    const late = levels.setLate(rank, size, at)
    if (late === 'undecidable') this.markStale('late', this.#at)
    return late === 'applied'
  }

  /**
   * Looks, after all changes of one frame, whether the best prices are those that the feed tells with it. A frame
   * that is older than others says nothing about the book as it is now. NaN: it is not told.
   */
  check(toldBid: number, toldAsk: number, at: number): void {
    if (at < this.#at) return
    const isOther = toldBid !== this.bestBid && !Number.isNaN(toldBid)
    if (isOther || (toldAsk !== this.bestAsk && !Number.isNaN(toldAsk))) this.markStale('gap', at)
    else if (this.isCrossed) this.markStale('crossed', at)
  }

  get isCrossed(): boolean {
    return this.bestBid >= this.bestAsk
  }

  /** Until a snapshot comes that is as new as that time. The first reason stays. */
  markStale(reason: StaleReason, at: number = this.#at): void {
    this.#stale ??= reason
    this.#staleAt = Math.max(this.#staleAt, at)
  }

  /**
   * Takes a snapshot, and keeps what is known to be newer.
   * @returns how many levels were different from what a book that was not stale had; 0 when it was stale. Undefined
   * when the snapshot is of no use: older than another one, or crossed.
   */
  reset(bids: Levels, asks: Levels, at: number): number | undefined {
    if (at < this.#syncedAt) return undefined
    const [newBids, newAsks] = [new Side(), new Side()]
    for (const { price, size } of bids) if (size > 0) newBids.set(price, size, at)
    for (const { price, size } of asks) if (size > 0) newAsks.set(ONE - price, size, at)
    if (newBids.bestRank + newAsks.bestRank >= ONE) {
      this.markStale('crossed', Math.max(at, this.#at))
      return undefined
    }
    // Which of two things of one millisecond came first is not known; of a second snapshot it is.
    const isMoot =
      at === this.#at &&
      this.#syncedAt < at &&
      (this.#bids.contradicts(newBids, at) || this.#asks.contradicts(newAsks, at))
    const isForgetful = Math.max(this.#bids.forgottenAt, this.#asks.forgottenAt) > at
    if (at < this.#at) {
      newBids.addNewer(this.#bids, at)
      newAsks.addNewer(this.#asks, at)
    }
    const wasRight = this.#stale === undefined
    const differences = wasRight ? newBids.differencesTo(this.#bids) + newAsks.differencesTo(this.#asks) : 0
    // A snapshot that is too old for what was forgotten is no better than the book that is there.
    if (isForgetful && wasRight) return undefined
    this.#bids = newBids
    this.#asks = newAsks
    this.#syncedAt = at
    this.#at = Math.max(this.#at, at)
    if (isForgetful || isMoot) this.markStale('late')
    else if (at >= this.#staleAt) this.#cure()
    return differences
  }

  /** The best levels of a side, best first. */
  levels(side: SideName, depth: number = Infinity): Levels {
    const [from, isBid] = side === 'BUY' ? [this.#bids, true] : [this.#asks, false]
    return Array.from({ length: Math.min(depth, from.length) }, (_, n) => {
      const rank = from.rankAt(n)
      return { price: isBid ? rank : ONE - rank, size: from.sizeAt(n) }
    })
  }

  marks(): BookMarks {
    return {
      asset: this.asset,
      syncedAt: this.#syncedAt,
      at: this.#at,
      staleAt: this.#staleAt,
      stale: this.#stale,
    }
  }

  /** How many numbers `write` writes for its bids, and for its asks. */
  get lengths(): [bids: number, asks: number] {
    return [3 * this.#bids.length, 3 * this.#asks.length]
  }

  /** Writes its sides as numbers, bids first. @returns where they end. */
  write(numbers: Float64Array, from: number): number {
    return this.#asks.write(numbers, this.#bids.write(numbers, from))
  }

  /** A book as another one was. */
  static from(marks: BookMarks, bids: ArrayLike<number>, asks: ArrayLike<number>): Book {
    const book = new Book(marks.asset)
    book.#syncedAt = marks.syncedAt
    book.#at = marks.at
    book.#stale = marks.stale
    book.#staleAt = marks.staleAt
    book.#bids = Side.from(bids, marks.at)
    book.#asks = Side.from(asks, marks.at)
    return book
  }

  #cure(): void {
    this.#stale = undefined
    this.#staleAt = -1
    if (this.isCrossed) this.markStale('crossed')
  }
}
