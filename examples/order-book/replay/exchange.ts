import { formatPrice, formatSize, ONE } from '../decimal.ts'
import type { SideName } from '../book.ts'
import { Random } from './random.ts'

export interface MarketOfExchange {
  readonly market: string
  /** Two that mirror each other: who buys one at p, sells the other at 1 - p. */
  readonly assets: readonly [string, string]
}

/** One message of the exchange, as text. */
export interface ExchangeFrame {
  readonly market: string
  readonly type: string
  readonly text: string
  /** Those whose books it is about. */
  readonly assets: readonly string[]
  /** Of a frame that is about one asset only. */
  readonly asset?: string | undefined
}

interface Level {
  readonly price: number
  size: number
}

/** What the exchange knows of a market: the two sides of its first asset, best first. The second one is its mirror. */
interface Ladder extends MarketOfExchange {
  readonly bids: Level[]
  readonly asks: Level[]
  tick: number
  lastTrade: string
}

const HEX = '0123456789abcdef'
const DIGITS = '0123456789'
const CENT = 100
/** The steps of a price beyond 0.96 and below 0.04, and of every tenth market. */
const FINE_TICK = 10
const FINE_BELOW = 400
/** A side: a first price is 0.25 at least, and 0.74 at most. */
const MOST_IN_CENTS = 24

/**
 * A made-up prediction market whose frames have the shape of a real one's: each change is told for both assets of its
 * market, a trade is followed by the whole book. The same seed gives the same frames, and it knows all its books, so
 * whoever followed them can be checked.
 */
export class Exchange {
  readonly markets: readonly MarketOfExchange[]
  readonly #ladders: readonly Ladder[]
  readonly #byAsset = new Map<string, { readonly ladder: Ladder; readonly isMirror: boolean }>()
  readonly #random: Random
  readonly #levels: number
  readonly #waiting: ExchangeFrame[] = []
  readonly #trades: number
  #now: number

  /**
   * @param options.levels so many a book, of both sides together. Default: 48.
   * @param options.trades from 0 to 1 of its frames. Default: 0.01.
   */
  constructor(options: {
    readonly seed: number
    readonly markets: number
    readonly levels?: number
    readonly startAt?: number
    readonly trades?: number
  }) {
    this.#trades = options.trades ?? 0.01
    this.#random = new Random(options.seed)
    this.#levels = Math.ceil((options.levels ?? 48) / 2)
    this.#now = options.startAt ?? 1_767_225_600_000
    this.#ladders = Array.from({ length: options.markets }, () => this.#newLadder())
    this.markets = this.#ladders
    for (const ladder of this.#ladders)
      ladder.assets.forEach((asset, n) => this.#byAsset.set(asset, { ladder, isMirror: n === 1 }))
  }

  /** Its clock, ms since 1970. */
  get now(): number {
    return this.#now
  }

  /** The books after a trade are still to come: until then nobody who only listens can know what is true. */
  get isMidTrade(): boolean {
    return this.#waiting.length > 0
  }

  /** The clock never runs back. */
  advanceTo(ms: number): void {
    this.#now = Math.max(this.#now, ms)
  }

  /** What comes next, in any of its markets. */
  next(): ExchangeFrame {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) return waiting
    this.#now += this.#random.below(3)
    const ladder = this.#ladders[this.#random.below(this.#ladders.length)]!
    const chance = this.#random.next()
    if (chance < this.#trades) return this.#trade(ladder)
    if (chance < this.#trades + 0.003)
      return frame(ladder, 'holiday', this.#unknown(ladder), ladder.assets[0])
    return this.#change(ladder)
  }

  /** Undefined for an asset that it does not have. */
  marketOf(asset: string): string | undefined {
    return this.#byAsset.get(asset)?.ladder.market
  }

  /** The whole book of an asset as it is now: an object of a snapshot. Undefined for one that it does not have. */
  bookText(asset: string): string | undefined {
    const found = this.#byAsset.get(asset)
    if (found === undefined) return undefined
    const { ladder } = found
    const trade = ladder.lastTrade
    return this.#bookText(asset, `,"tick_size":"${formatPrice(ladder.tick)}","last_trade_price":"${trade}"`)
  }

  /** What is true now: price and size as text, best first. */
  truth(asset: string, side: SideName): { readonly price: string; readonly size: string }[] {
    return this.#side(asset, side).map(({ price, size }) => ({
      price: formatPrice(price),
      size: formatSize(size),
    }))
  }

  #newLadder(): Ladder {
    const random = this.#random
    const market = `0x${random.text(HEX, 64)}`
    const assets = [0, 1].map(() => `${1 + random.below(9)}${random.text(DIGITS, 76)}`)
    // So many levels have no room in steps of a cent.
    const tick = random.chance(0.1) || this.#levels > MOST_IN_CENTS ? FINE_TICK : CENT
    const middle = 25 + random.below(50)
    const ladder: Ladder = {
      ...{ market, assets: assets as [string, string], bids: [], asks: [], tick, lastTrade: '' },
    }
    const fits = Math.min(this.#levels, tick === CENT ? MOST_IN_CENTS : MOST_IN_CENTS * 10)
    for (let n = 1; n <= fits; n++) {
      ladder.bids.push({ price: middle * CENT - n * tick, size: this.#size() })
      ladder.asks.push({ price: middle * CENT + n * tick, size: this.#size() })
    }
    return ladder
  }

  /** One level of the first asset changes, most often near the best price; the second one tells the same as its own. */
  #change(ladder: Ladder): ExchangeFrame {
    const changes = [this.#moveLevel(ladder)]
    if (this.#random.chance(0.03)) changes.push(this.#moveLevel(ladder))
    const [first, second] = ladder.assets
    const [bid, ask] = [ladder.bids[0]?.price ?? 0, ladder.asks[0]?.price ?? ONE]
    const entries = changes.flatMap(({ side, price, size }) => [
      this.#entry(first, side, price, size, bid, ask),
      this.#entry(second, side === 'BUY' ? 'SELL' : 'BUY', ONE - price, size, ONE - ask, ONE - bid),
    ])
    const text = `{"market":"${ladder.market}","price_changes":[${entries.join(',')}],"timestamp":"${this.#now}","event_type":"price_change"}`
    this.#refineTick(ladder)
    return frame(ladder, 'price_change', text)
  }

  #moveLevel(ladder: Ladder): { side: SideName; price: number; size: number } {
    const random = this.#random
    const isBid = random.chance(0.5)
    const [own, other] = isBid ? [ladder.bids, ladder.asks] : [ladder.asks, ladder.bids]
    const worse = isBid ? -ladder.tick : ladder.tick
    const side: SideName = isBid ? 'BUY' : 'SELL'
    // More than it should have: one goes, any of them, and the best one oftener than others.
    if (own.length > 2 && (own.length > this.#levels || random.chance(0.1))) {
      const [gone] = own.splice(random.chance(0.3) ? 0 : random.below(own.length), 1)
      return { side, price: gone!.price, size: 0 }
    }
    const steps = Math.floor(-Math.log(1 - random.next()) * 6) - 1
    const from = own[0]?.price ?? (other[0]?.price ?? ONE / 2) + worse
    let price = from + steps * worse
    // Never across the other side, nor out of range.
    const limit = other[0]?.price ?? (isBid ? ONE : 0)
    if (isBid ? price >= limit : price <= limit) price = limit + worse
    if (price <= 0 || price >= ONE) price = from
    const size = this.#size()
    const at = own.findIndex((level) => (isBid ? level.price <= price : level.price >= price))
    if (at >= 0 && own[at]!.price === price) own[at]!.size = size
    else own.splice(at < 0 ? own.length : at, 0, { price, size })
    return { side, price, size }
  }

  /** The best bid or ask is hit: the trade is told, then the whole book of both assets. */
  #trade(ladder: Ladder): ExchangeFrame {
    const isBuy = this.#random.chance(0.5)
    const own = isBuy ? ladder.asks : ladder.bids
    const best = own[0]
    if (best === undefined) return this.#change(ladder)
    const isWhole = own.length > 2 && this.#random.chance(0.4)
    const size = isWhole ? best.size : Math.max(1, Math.floor(best.size * this.#random.next()))
    best.size -= size
    if (best.size === 0) own.shift()
    ladder.lastTrade = formatPrice(best.price)
    for (const asset of ladder.assets)
      this.#waiting.push(frame(ladder, 'book', this.#bookText(asset, ''), asset))
    const text = `{"market":"${ladder.market}","asset_id":"${ladder.assets[0]}","price":"${ladder.lastTrade}","size":"${formatSize(size)}","fee_rate_bps":"0","side":"${isBuy ? 'BUY' : 'SELL'}","timestamp":"${this.#now}","event_type":"last_trade_price","transaction_hash":"0x${this.#random.text(HEX, 64)}"}`
    return frame(ladder, 'last_trade_price', text)
  }

  /** Beyond 0.96 and below 0.04 prices get finer steps. */
  #refineTick(ladder: Ladder): void {
    const [bid, ask] = [ladder.bids[0]?.price ?? 0, ladder.asks[0]?.price ?? ONE]
    if (ladder.tick === FINE_TICK || (bid <= ONE - FINE_BELOW && ask >= FINE_BELOW)) return
    ladder.tick = FINE_TICK
    for (const asset of ladder.assets) {
      const text = `{"market":"${ladder.market}","asset_id":"${asset}","old_tick_size":"0.01","new_tick_size":"0.001","timestamp":"${this.#now}","event_type":"tick_size_change"}`
      this.#waiting.push(frame(ladder, 'tick_size_change', text, asset))
    }
  }

  #unknown(ladder: Ladder): string {
    return `{"market":"${ladder.market}","asset_id":"${ladder.assets[0]}","message":"markets \\"A\\" and {B} rest","timestamp":"${this.#now}","event_type":"holiday"}`
  }

  #entry(asset: string, side: SideName, price: number, size: number, bid: number, ask: number): string {
    return `{"asset_id":"${asset}","price":"${formatPrice(price)}","size":"${formatSize(size)}","side":"${side}","hash":"${this.#hash()}","best_bid":"${formatPrice(bid)}","best_ask":"${formatPrice(ask)}"}`
  }

  #bookText(asset: string, more: string): string {
    const { ladder } = this.#byAsset.get(asset)!
    const [bids, asks] = (['BUY', 'SELL'] as const).map((side) =>
      this.#side(asset, side)
        .toReversed()
        .map(({ price, size }) => `{"price":"${formatPrice(price)}","size":"${formatSize(size)}"}`)
        .join(','),
    )
    return `{"market":"${ladder.market}","asset_id":"${asset}","timestamp":"${this.#now}","hash":"${this.#hash()}","bids":[${bids}],"asks":[${asks}]${more},"event_type":"book"}`
  }

  /** Best first. */
  #side(asset: string, side: SideName): readonly Level[] {
    const found = this.#byAsset.get(asset)
    if (found === undefined) return []
    const { ladder, isMirror } = found
    if (!isMirror) return side === 'BUY' ? ladder.bids : ladder.asks
    const mirrored = side === 'BUY' ? ladder.asks : ladder.bids
    return mirrored.map(({ price, size }) => ({ price: ONE - price, size }))
  }

  #hash(): string {
    return this.#random.text(HEX, 40)
  }

  /** Most are whole or have two decimals, some have six. */
  #size(): number {
    const random = this.#random
    const units = 5 + random.below(20_000)
    if (random.chance(0.3)) return units * 1_000_000
    return random.chance(0.7)
      ? units * 1_000_000 + random.below(100) * 10_000
      : units * 1_000_000 + random.below(1_000_000)
  }
}

function frame({ market, assets }: Ladder, type: string, text: string, asset?: string): ExchangeFrame {
  return { market, type, text, assets: asset === undefined ? assets : [asset], asset }
}
