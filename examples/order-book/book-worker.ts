import { StreamWorker, type Gap, type StreamMessage } from 'millhand/stream'
import type { StaleReason } from './book.ts'
import { noticeOf } from './feed/notice.ts'
import { Market, newMarketCounts, type MarketCounts } from './market.ts'
import { viewOf, type BookView } from './market-view.ts'
import { FrameParser, type ParserCounts } from './parser.ts'
import { PriceChangeScanner } from './price-change-scanner.ts'

/** What a worker tells the service, by its output `news`. */
export type News =
  /** The books of a market have not been right for a while: they are to be fetched anew. */
  | { readonly type: 'stale'; readonly market: string; readonly reason: StaleReason }
  | { readonly type: 'right'; readonly market: string }
  | { readonly type: 'counts'; readonly worker: string; readonly counts: WorkerCounts; readonly at: number }

export type WorkerCounts = MarketCounts & ParserCounts

export interface BookRequest {
  readonly asset: string
  /** Levels of each side. */
  readonly depth: number
}

/** The state of a key: a market, and whether someone looks after it because it may be wrong. */
interface Followed {
  readonly market: Market
  /** Knows the names of the assets that the market had when it was made. */
  scanner: PriceChangeScanner
  scanned: number
  isWatched: boolean
  /** It was said to be stale. */
  isTold: boolean
}

/** Books often become right by themselves, as after a trade, whose books follow it at once. */
const FIRST_LOOK_MS = 300
const NEXT_LOOK_MS = 3000
const COUNTS_EVERY_MS = 500
const NEWS = 'news'

/** Owns markets: reads the frames that are about them, and holds their books. */
export class BookWorker extends StreamWorker<Followed> {
  static override readonly module = import.meta.url
  readonly #parser = new FrameParser()
  readonly #counts = newMarketCounts()
  #telling: NodeJS.Timeout | undefined

  protected override setup(): void {
    this.#telling = setInterval(() => this.#tellCounts(), COUNTS_EVERY_MS)
  }

  protected override teardown(): void {
    clearInterval(this.#telling)
  }

  protected override init(key: string): Followed {
    return followed(new Market(key, this.#counts), false)
  }

  protected override process(message: StreamMessage, state: Followed): void {
    const { market } = state
    const { data } = message
    if (state.scanned !== market.assets.size) renewScanner(state)
    const notice = typeof data === 'string' ? noticeOf(data) : undefined
    if (notice !== undefined) market.markStale(notice)
    else {
      const parser = this.#parser
      const events = typeof data === 'string' ? parser.parse(data) : parser.parseBytes(data, state.scanner)
      for (const event of events) market.apply(event)
    }
    this.#watch(message.key, state)
  }

  /** Frames were dropped, or what they did was lost with the worker before this one. */
  protected override onGap(key: string, _gap: Gap, state: Followed): void {
    state.market.markStale('lost')
    this.#watch(key, state)
  }

  protected override onTimer(key: string, _name: string, state: Followed): void {
    const { stale } = state.market
    state.isWatched = stale !== undefined
    if (stale === undefined) return this.#tellRight(key, state)
    state.isTold = true
    this.emit(NEWS, key, { type: 'stale', market: key, reason: stale } satisfies News)
    this.setTimer(key, NEXT_LOOK_MS)
  }

  /** Null for an asset that has no book here. */
  protected override query(key: string, request: unknown, state: Followed | undefined): BookView | null {
    const { asset, depth } = request as BookRequest
    const listed = state?.market.assets.get(asset)
    return listed === undefined ? null : viewOf(key, listed, depth)
  }

  protected override snapshot(_key: string, { market }: Followed): Uint8Array {
    return market.pack()
  }

  protected override restore(key: string, snapshot: unknown): Followed {
    const market = Market.unpack(key, snapshot as Uint8Array, this.#counts)
    return followed(market, market.stale !== undefined)
  }

  #watch(key: string, state: Followed): void {
    const isStale = state.market.stale !== undefined
    if (isStale === state.isWatched) return
    state.isWatched = isStale
    if (isStale) return this.setTimer(key, FIRST_LOOK_MS)
    this.clearTimer(key)
    this.#tellRight(key, state)
  }

  #tellRight(key: string, state: Followed): void {
    if (!state.isTold) return
    state.isTold = false
    this.emit(NEWS, key, { type: 'right', market: key } satisfies News)
  }

  #tellCounts(): void {
    // Before it has begun to read there is nobody to tell.
    if (this.stats === undefined) return
    const counts = { ...this.#counts, ...this.#parser.counts }
    this.emit(NEWS, this.name, { type: 'counts', worker: this.name, counts, at: Date.now() } satisfies News)
  }
}

function followed(market: Market, isTold: boolean): Followed {
  return { market, scanner: scannerOf(market), scanned: market.assets.size, isWatched: false, isTold }
}

function renewScanner(state: Followed): void {
  state.scanner = scannerOf(state.market)
  state.scanned = state.market.assets.size
}

function scannerOf({ market, assets }: Market): PriceChangeScanner {
  return new PriceChangeScanner(market, [...assets.keys()])
}
